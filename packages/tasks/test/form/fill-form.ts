import type { JsonValue } from '@mad/core';
import type { FieldLimits, FormField } from '../../src/form/form.ts';

/** How much of a form is filled in. */
export type Filling = 'required' | 'all';

interface FillForm {
  readonly filling: Filling;
  /** Of what the fields are for. @default the request */
  readonly pointer?: string;
}

/** A value as somebody would give it who takes what the form offers: constants, defaults, examples, else the first value that fits. */
export function fillForm(fields: readonly FormField[], { filling, pointer = '' }: FillForm): JsonValue {
  const [whole] = fields;
  if (whole?.pointer === pointer) return fillField(whole, filling);
  const given = fields.filter(({ required, conditional }) => (filling === 'all' ? !conditional : required));
  return Object.fromEntries(given.map((field) => [field.name, fillField(field, filling)]));
}

const reference = { $artifact: '0'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 4 };

function fillField(field: FormField, filling: Filling): JsonValue {
  if (field.kind === 'constant') return field.value;
  if (field.kind === 'file') return reference;
  if (field.kind === 'files') return Array.from({ length: Math.max(1, field.limits?.minItems ?? 0) }, () => reference);
  if (field.default !== undefined) return field.default;
  const [example] = field.examples ?? [];
  if (example !== undefined) return example;
  const { limits = {} } = field;
  switch (field.kind) {
    case 'boolean':
      return true;
    case 'integer':
    case 'number':
      return fillNumber(limits, field.kind === 'integer' ? 1 : 0.5);
    case 'text':
    case 'longText':
      return 'a'.repeat(Math.max(1, limits.minLength ?? 0));
    case 'choice':
      return field.options[0]?.value ?? null;
    case 'choices':
      return field.options.slice(0, Math.max(1, limits.minItems ?? 0)).map(({ value }) => value);
    case 'list':
      return Array.from({ length: Math.max(1, limits.minItems ?? 0) }, () => fillField(field.item, filling));
    case 'tuple':
      return field.fields.filter(({ required }) => required || filling === 'all').map((one) => fillField(one, filling));
    case 'group':
      return fillForm(field.fields, { filling, pointer: field.pointer });
    case 'variant':
      return fillForm(field.alternatives[0]?.fields ?? [], { filling, pointer: field.pointer });
    case 'json':
      return {};
  }
}

function fillNumber({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: FieldLimits, step: number): number {
  if (minimum !== undefined) return minimum;
  if (exclusiveMinimum !== undefined) return exclusiveMinimum + step;
  if (maximum !== undefined) return maximum;
  return exclusiveMaximum === undefined ? step : exclusiveMaximum - step;
}

/** Every field, those inside others too. */
export function listFields(fields: readonly FormField[]): readonly FormField[] {
  return fields.flatMap((field) => [
    field,
    ...(field.kind === 'group' || field.kind === 'tuple' ? listFields(field.fields) : []),
    ...(field.kind === 'list' ? listFields([field.item]) : []),
    ...(field.kind === 'variant' ? field.alternatives.flatMap((one) => listFields(one.fields)) : []),
  ]);
}
