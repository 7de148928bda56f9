import type { JsonSchema, JsonValue } from '@mad/core';

/** What a dashboard renders to collect the request of an operation. Plain JSON; what is absent has no key. */
export interface Form {
  readonly title: string;
  readonly description: string;
  /** Of the request: self-contained JSON Schema 2020-12, files as text or artifact references. What fits it is accepted. */
  readonly schema: JsonSchema;
  /** In the order to show them. A request that is no object of named values is one field, with the pointer `''`. */
  readonly fields: readonly FormField[];
}

export type FormField =
  | TextField
  | NumberField
  | BooleanField
  | ChoiceField
  | FileField
  | ListField
  | GroupField
  | VariantField
  | ConstantField
  | JsonField;

interface FieldFacts {
  /** JSON Pointer into the request; `-` stands for the index of a list's item: `/ligands/-/smiles`. */
  readonly pointer: string;
  /** Last part of the pointer; `''` for the whole request. */
  readonly name: string;
  /** The schema's, else the name made readable: `num_modes` is "Num modes". */
  readonly title: string;
  readonly description?: string;
  /** Of the group it is in. */
  readonly required: boolean;
  /** True where null may be given. */
  readonly nullable: boolean;
  readonly default?: JsonValue;
  /** The first makes a good placeholder. */
  readonly examples?: readonly JsonValue[];
  /** `x-mad-unit`, else `x-unit`: `Å`, `kcal/mol`. Never read out of prose. */
  readonly unit?: string;
  readonly limits?: FieldLimits;
  /** `x-mad-advanced` or `x-advanced`: shown when asked for. */
  readonly advanced?: true;
  readonly deprecated?: true;
  /** Not to be shown as it is typed: `format: password` or `writeOnly`. */
  readonly secret?: true;
  /** Whether it may or must be given depends on other values; checking the request tells. */
  readonly conditional?: true;
}

/** Bounds of a number, of the length of a text, or of how many items or members there are. */
export interface FieldLimits {
  readonly minimum?: number;
  readonly maximum?: number;
  readonly exclusiveMinimum?: number;
  readonly exclusiveMaximum?: number;
  /** Every value is a multiple of it. */
  readonly step?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  /** A regular expression of ECMAScript, found anywhere in the text unless it says `^` and `$`. */
  readonly pattern?: string;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly uniqueItems?: true;
  readonly minProperties?: number;
  readonly maxProperties?: number;
}

/** `longText` with `x-multiline`, room for more than 500 characters, or where the whole body is text. */
export interface TextField extends FieldFacts {
  readonly kind: 'text' | 'longText';
  /** As the schema says: `email`, `uri`, `date-time` … */
  readonly format?: string;
}

export interface NumberField extends FieldFacts {
  readonly kind: 'integer' | 'number';
}

export interface BooleanField extends FieldFacts {
  readonly kind: 'boolean';
}

/** One of the options, or with `choices` an array of them. */
export interface ChoiceField extends FieldFacts {
  readonly kind: 'choice' | 'choices';
  readonly options: readonly FieldOption[];
}

export interface FieldOption {
  readonly value: JsonValue;
  /** What the document calls it, else the value itself. */
  readonly label: string;
  readonly description?: string;
}

/** A file, or with `files` an array of them: artifact references, or text. */
export interface FileField extends FieldFacts {
  readonly kind: 'file' | 'files';
  /** Media types; none: any. */
  readonly accept: readonly string[];
  /** Given as text, it is the base64 of the file's bytes; else the file itself, in UTF-8. */
  readonly base64: boolean;
}

/** An array, every item by the same field. */
export interface ListField extends FieldFacts {
  readonly kind: 'list';
  readonly item: FormField;
}

/** An object by its members, or with `tuple` an array whose places each have a meaning; those that are not required come last. */
export interface GroupField extends FieldFacts {
  readonly kind: 'group' | 'tuple';
  readonly fields: readonly FormField[];
}

/** A value of one of several forms. */
export interface VariantField extends FieldFacts {
  readonly kind: 'variant';
  /** Name of the member by whose constant an existing value tells which alternative it is. */
  readonly discriminator?: string;
  readonly alternatives: readonly FieldAlternative[];
}

/** An object by its members; anything else is one field with the pointer of the variant. */
export interface FieldAlternative {
  readonly title: string;
  readonly description?: string;
  readonly fields: readonly FormField[];
}

/** The only value there can be: there is nothing to show, it belongs into the request where it is required. */
export interface ConstantField extends FieldFacts {
  readonly kind: 'constant';
  readonly value: JsonValue;
}

/** JSON as text: whatever has no better form, what lies inside a value of its own kind, and what is too much for one form. */
export interface JsonField extends FieldFacts {
  readonly kind: 'json';
}
