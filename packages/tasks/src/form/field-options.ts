import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import type { FieldOption } from './form.ts';
import { listOf } from './schema-layers.ts';

/**
 * The values that a place can have, null aside, where its schemas name them: by `enum`, `const`, or alternatives that are one value each. Labels
 * are the titles of such alternatives, `x-enumNames`, `x-enum-varnames`, else the values themselves. Undefined: they do not name them.
 */
export function readOptions(schemas: readonly JsonObject[]): readonly FieldOption[] | undefined {
  const lists = schemas.flatMap((schema) =>
    [ofValues(schema), ofAlternatives(schema.oneOf), ofAlternatives(schema.anyOf)].filter((list) => list !== undefined),
  );
  // Those that say most of their values come first.
  const [first, ...others] = lists.sort((a, b) => countLabels(b) - countLabels(a));
  if (!first) return undefined;
  const allowed = others.map((list) => new Set(list.map(({ value }) => JSON.stringify(value))));
  return first
    .filter(({ value }) => value !== null && allowed.every((values) => values.has(JSON.stringify(value))))
    .map(({ value, label, description }) => ({
      value,
      label: label ?? (typeof value === 'string' ? value : JSON.stringify(value)),
      ...(description === undefined ? {} : { description }),
    }));
}

interface NamedValue {
  readonly value: JsonValue;
  readonly label: string | undefined;
  readonly description: string | undefined;
}

const countLabels = (list: readonly NamedValue[]): number => list.filter(({ label }) => label !== undefined).length;

function ofValues(schema: JsonObject): readonly NamedValue[] | undefined {
  const { const: only, enum: values } = schema;
  if (only !== undefined) return [{ value: only, label: textOf(schema.title), description: undefined }];
  if (!Array.isArray(values)) return undefined;
  const labels = firstList(schema, ['x-enumNames', 'x-enum-varnames']);
  const descriptions = firstList(schema, ['x-enum-descriptions', 'x-enumDescriptions']);
  return values.map((value: JsonValue, index) => ({
    value,
    label: textOf(labels[index]),
    description: textOf(descriptions[index]),
  }));
}

function ofAlternatives(alternatives: JsonValue | undefined): readonly NamedValue[] | undefined {
  const found: NamedValue[] = [];
  for (const alternative of listOf(alternatives)) {
    const [one, more] = (isJsonObject(alternative) && ofValues(alternative)) || [];
    if (!isJsonObject(alternative) || !one || more) return undefined;
    const { title, description } = alternative;
    found.push({ value: one.value, label: textOf(title) ?? one.label, description: textOf(description) });
  }
  return found.length > 0 ? found : undefined;
}

const firstList = (schema: JsonObject, keys: readonly string[]): readonly JsonValue[] =>
  keys.map((key) => listOf(schema[key])).find((list) => list.length > 0) ?? [];

const textOf = (value: JsonValue | undefined): string | undefined => (typeof value === 'string' ? value : undefined);
