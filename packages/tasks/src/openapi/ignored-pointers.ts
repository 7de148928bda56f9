import { findByPointer, isJsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { TaskDocumentRefusedError } from '../errors.ts';

const MAX_DEPTH = 16;
const MAX_VISITS = 10_000;

/**
 * JSON Pointers of the request properties marked `x-mad-cache: ignore`: their values cannot change the answer. Marks inside arrays and
 * alternatives have no fixed place and are passed over, as are those of a schema inside itself, which costs a cache hit and never a right answer.
 * @throws {TaskDocumentRefusedError} when properties multiply from level to level.
 */
export function listIgnoredPointers(root: JsonSchema): readonly string[] {
  const pointers = new Set<string>();
  const open = new Set<string>();
  let visits = 0;
  function visit(schema: JsonValue | undefined, at: { pointer: string; depth: number }): void {
    if (!isJsonObject(schema) || at.depth > MAX_DEPTH) return;
    if (++visits > MAX_VISITS)
      throw new TaskDocumentRefusedError({
        pointer: '',
        reason: `its request has more than ${MAX_VISITS} places for properties`,
        hint: 'let fewer schemas refer to each other',
      });
    if (schema['x-mad-cache'] === 'ignore' && at.pointer !== '') {
      pointers.add(at.pointer);
      return;
    }
    const next = { pointer: at.pointer, depth: at.depth + 1 };
    if (Array.isArray(schema.allOf)) for (const part of schema.allOf as readonly JsonValue[]) visit(part, next);
    for (const [name, property] of Object.entries(isJsonObject(schema.properties) ? schema.properties : {})) {
      const token = name.replaceAll('~', '~0').replaceAll('/', '~1');
      visit(property, { pointer: `${at.pointer}/${token}`, depth: at.depth + 1 });
    }
    const { $ref } = schema;
    if (typeof $ref !== 'string' || !isJsonObject(root) || open.has($ref)) return;
    open.add($ref);
    visit(findByPointer(root, $ref.slice(1)), next);
    open.delete($ref);
  }
  // Most documents mark nothing, however their schemas refer to each other.
  if (JSON.stringify(root).includes('"x-mad-cache"')) visit(root, { pointer: '', depth: 0 });
  return [...pointers].sort();
}
