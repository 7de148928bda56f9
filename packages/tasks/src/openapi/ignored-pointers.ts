import { findByPointer, isJsonObject, type JsonSchema, type JsonValue } from '@mad/core';

const MAX_DEPTH = 16;

/**
 * JSON Pointers of the request properties marked `x-mad-cache: ignore`: their values cannot change the answer. Marks inside arrays and
 * alternatives have no fixed place and are passed over, which costs a cache hit and never a right answer.
 */
export function listIgnoredPointers(root: JsonSchema): readonly string[] {
  const pointers = new Set<string>();
  function visit(schema: JsonValue | undefined, at: { pointer: string; depth: number }): void {
    if (!isJsonObject(schema) || at.depth > MAX_DEPTH) return;
    if (schema['x-mad-cache'] === 'ignore' && at.pointer !== '') {
      pointers.add(at.pointer);
      return;
    }
    const next = { pointer: at.pointer, depth: at.depth + 1 };
    if (typeof schema.$ref === 'string' && isJsonObject(root)) visit(findByPointer(root, schema.$ref.slice(1)), next);
    if (Array.isArray(schema.allOf)) for (const part of schema.allOf as readonly JsonValue[]) visit(part, next);
    if (!isJsonObject(schema.properties)) return;
    for (const [name, property] of Object.entries(schema.properties)) {
      visit(property, {
        pointer: `${at.pointer}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
        depth: at.depth + 1,
      });
    }
  }
  visit(root, { pointer: '', depth: 0 });
  return [...pointers].sort();
}
