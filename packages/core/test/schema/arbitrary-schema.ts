import fc from 'fast-check';
import type { JsonObject, JsonValue } from '../../src/json.ts';
import type { JsonSchema } from '../../src/schema/json-schema.ts';

const NAMES = ['a', 'b', 'c'];
const number = fc.constantFrom(-2, -1, 0, 0.5, 1, 1.5, 2, 3, 4);
const text = fc.constantFrom('', 'a', 'b', 'ab', 'abc', '2020-01-01', '1');
const small = fc.constantFrom(0, 1, 2, 3);

/** Small enough a world that values of one schema are often values of another. */
export const { value: anyValue } = fc.letrec<{ value: JsonValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<JsonValue>(null, true, false),
    number,
    text,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom(...NAMES, 'd'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

const scalar = fc.oneof(fc.constantFrom<JsonValue>(null, true, false), number, text);
const TYPES = ['null', 'boolean', 'integer', 'number', 'string', 'array', 'object'];

const record = (model: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<JsonObject> =>
  fc.record(model, { requiredKeys: [], noNullPrototype: true }) as fc.Arbitrary<JsonObject>;
const among = (...items: fc.Arbitrary<JsonObject>[]) => fc.oneof(...items);

/** Schemas of every keyword that values are held against; `#/$defs/x` and `#/$defs/y` are theirs to refer to. */
const { schema: innerSchema } = fc.letrec<{ schema: JsonSchema }>((tie) => {
  const inner = tie('schema');
  const properties = fc.dictionary(fc.constantFrom(...NAMES), inner, { maxKeys: 3, noNullPrototype: true });
  const numbers = record({
    minimum: number,
    maximum: number,
    exclusiveMinimum: number,
    exclusiveMaximum: number,
    multipleOf: fc.constantFrom(0.5, 1, 2, 3, 0.1),
    format: fc.constantFrom('int32', 'int64', 'double'),
  });
  const texts = record({
    minLength: small,
    maxLength: small,
    pattern: fc.constantFrom('^a', 'b$', '^[ab]*$', '^(a|b)+$'),
    format: fc.constantFrom('date', 'uuid', 'smiles'),
  });
  const arrays = record({
    items: inner,
    prefixItems: fc.array(inner, { minLength: 1, maxLength: 2 }),
    minItems: small,
    maxItems: small,
    uniqueItems: fc.boolean(),
    contains: inner,
    // Not 0: together with `maxContains: 0` it makes ajv write code that does not run.
    minContains: fc.constantFrom(1, 2),
    maxContains: small,
    unevaluatedItems: inner,
  });
  const objects = record({
    properties,
    required: fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 }),
    additionalProperties: fc.oneof(fc.boolean(), inner),
    patternProperties: fc.dictionary(fc.constantFrom('^a', 'b', '^[bc]$'), inner, {
      maxKeys: 2,
      noNullPrototype: true,
    }),
    minProperties: small,
    maxProperties: small,
    propertyNames: record({ maxLength: small, enum: fc.constant(['a', 'b']) }),
    dependentRequired: fc.constantFrom({ a: ['b'] }, { b: ['a', 'c'] }),
    dependentSchemas: fc.dictionary(fc.constantFrom(...NAMES), inner, { maxKeys: 1, noNullPrototype: true }),
    unevaluatedProperties: fc.oneof(fc.boolean(), inner),
  });
  const branches = fc.array(inner, { minLength: 1, maxLength: 3 });
  const combined = record({
    allOf: branches,
    anyOf: branches,
    oneOf: branches,
    not: inner,
    if: inner,
    // biome-ignore lint/suspicious/noThenProperty: a keyword of JSON Schema
    then: inner,
    else: inner,
    $ref: fc.constantFrom('#/$defs/x', '#/$defs/y'),
  });
  const type = record({
    type: fc.oneof(
      fc.constantFrom(...TYPES),
      fc.uniqueArray(fc.constantFrom(...TYPES), { minLength: 1, maxLength: 3 }),
    ),
  });
  const listed = record({ const: scalar, enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 4 }) });
  return {
    schema: fc.oneof(
      { maxDepth: 3, depthSize: 'small' },
      fc.oneof(fc.boolean(), type, listed),
      fc
        .tuple(
          type,
          among(numbers, texts, arrays, objects, combined),
          fc.oneof(fc.constant({}), listed, numbers, objects),
        )
        .map(([...parts]) => Object.assign({}, ...parts) as JsonObject),
      typed('object', objects),
      typed('array', arrays),
      typed('number', numbers),
      typed('string', texts),
      combined,
    ),
  };
});

function typed(type: string, keywords: fc.Arbitrary<JsonObject>): fc.Arbitrary<JsonObject> {
  return keywords.map((schema) => ({ ...schema, type }));
}

/** A schema with two definitions, which may refer to each other and to themselves. */
export const anySchema: fc.Arbitrary<JsonObject> = fc
  .tuple(innerSchema, innerSchema, innerSchema)
  .map(([root, x, y]) => ({ ...(typeof root === 'boolean' ? { allOf: [root] } : root), $defs: { x, y } }));

/** A schema and one that is like it: a keyword more or less, a limit moved. */
export const alikeSchemas: fc.Arbitrary<readonly [JsonObject, JsonObject]> = fc.oneof(
  fc.tuple(anySchema, anySchema),
  fc.tuple(anySchema, fc.infiniteStream(fc.nat({ max: 11 }))).map(([schema, dice]) => {
    const roll = (): number => dice.next().value ?? 0;
    return [schema, { ...(alter(schema, roll) as JsonObject), $defs: schema.$defs }] as const;
  }),
);

function alter(value: JsonValue | undefined, roll: () => number): JsonValue {
  if (typeof value === 'number') return roll() === 0 ? value + 1 : value;
  if (Array.isArray(value)) return value.map((item: JsonValue) => alter(item, roll));
  if (typeof value !== 'object' || value === null) return value ?? null;
  const kept = Object.entries(value).filter(([key]) => key === 'type' || roll() > 0);
  return Object.fromEntries(kept.map(([key, inner]) => [key, alter(inner, roll)]));
}
