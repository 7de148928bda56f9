import { findByPointer, type JsonObject } from '@mad/core';
import type { FormField } from './form.ts';

const MAX_FIELDS = 2_000;
/** Characters of JSON. */
const MAX_LENGTH = 64_000;

/**
 * The pointers of a form's fields in its order, kept as `metadata.field_order` of a version: a database that stores documents as jsonb forgets the
 * order of their properties. Outer fields come before inner ones; of those beyond two thousand, or 64 kB, nothing is kept.
 */
export function listFieldOrder(fields: readonly FormField[]): readonly string[] {
  const order = new Set<string>();
  let length = 0;
  let level = fields;
  while (level.length > 0) {
    for (const { pointer } of level) {
      if (order.has(pointer)) continue;
      length += JSON.stringify(pointer).length + 1;
      if (order.size >= MAX_FIELDS || length > MAX_LENGTH) return [...order];
      order.add(pointer);
    }
    level = level.flatMap(innerFields);
  }
  return [...order];
}

function innerFields(field: FormField): readonly FormField[] {
  switch (field.kind) {
    case 'group':
    case 'tuple':
      return field.fields;
    case 'list':
      return [field.item];
    case 'variant':
      return field.alternatives.flatMap(({ fields }) => fields);
    default:
      return [];
  }
}

/** The places of pointers in the order that a version keeps; none where it keeps none. Whoever wrote the metadata is not trusted. */
export function readFieldOrder(metadata: JsonObject | undefined): ReadonlyMap<string, number> {
  const given = findByPointer(metadata, '/field_order');
  const pointers = Array.isArray(given) ? given.slice(0, MAX_FIELDS) : [];
  return new Map(pointers.flatMap((pointer, index) => (typeof pointer === 'string' ? [[pointer, index]] : [])));
}
