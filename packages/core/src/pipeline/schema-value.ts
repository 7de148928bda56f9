/** The values that a JSON Schema written as a literal admits; `unknown` where it says more than type, properties, items, enum and const. */
export type SchemaValue<Schema> = Schema extends { readonly const: infer Value }
  ? Value
  : Schema extends { readonly enum: readonly (infer Value)[] }
    ? Value
    : Schema extends { readonly type: infer Type }
      ? TypedValue<Schema, Type>
      : unknown;

type TypedValue<Schema, Type> = Type extends readonly (infer Each)[]
  ? TypedValue<Schema, Each>
  : Type extends 'string'
    ? string
    : Type extends 'number' | 'integer'
      ? number
      : Type extends 'boolean'
        ? boolean
        : Type extends 'null'
          ? null
          : Type extends 'array'
            ? ArrayValue<Schema>
            : Type extends 'object'
              ? ObjectValue<Schema>
              : unknown;

type ArrayValue<Schema> = Schema extends { readonly items: infer Items }
  ? readonly SchemaValue<Items>[]
  : readonly unknown[];

type ObjectValue<Schema> = Schema extends { readonly properties: infer Properties }
  ? {
      readonly [Key in keyof Properties]: Key extends AlwaysThere<Schema, Properties>
        ? SchemaValue<Properties[Key]>
        : SchemaValue<Properties[Key]> | undefined;
    }
  : Readonly<Record<string, unknown>>;

/** Keys that are required, and those with a default: submitting fills them in. */
type AlwaysThere<Schema, Properties> =
  | (Schema extends { readonly required: readonly (infer Key)[] } ? Key : never)
  | {
      [Key in keyof Properties]: Properties[Key] extends { readonly default: unknown } ? Key : never;
    }[keyof Properties];
