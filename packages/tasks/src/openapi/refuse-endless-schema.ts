import { findByPointer, isJsonObject, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import { listSubschemas } from './subschemas.ts';

// What one value may cost beyond what lies in it: far above any schema written for people, far below what blocks a process.
const MAX_SCHEMAS_PER_VALUE = 1000;
const MAX_CHAIN = 100;

/** What it takes to hold one value against a schema, its members aside. */
interface Cost {
  /** Schemas asked, each as often as it is asked. */
  readonly schemas: number;
  /** The longest way from one schema to the next. */
  readonly chain: number;
}

/**
 * Refuses a self-contained schema whose check would not end, or not soon: validators follow references, combinators and conditions on one and the
 * same value without counting. `pointerOf` tells where in the document a reference of the schema comes from.
 * @throws {TaskDocumentInvalidError} when a circle leads back to the same value. @throws {TaskDocumentRefusedError} when one value is checked too often.
 */
export function refuseEndlessSchema(root: JsonSchema, pointerOf: (ref: string) => string): void {
  const costs = new Map<JsonObject, Cost>();
  const open = new Set<JsonObject>();
  const everywhere: JsonValue[] = [root];
  // A stack of our own: a chain of references may be longer than the call stack.
  for (let start = everywhere.pop(); start !== undefined; start = everywhere.pop()) {
    if (!isJsonObject(start)) continue;
    everywhere.push(...listSubschemas(start));
    const stack: { schema: JsonObject; pointer: string; asked?: readonly JsonObject[] }[] = [
      { schema: start, pointer: '' },
    ];
    for (let next = stack.pop(); next; next = stack.pop()) {
      const { schema, pointer, asked } = next;
      if (asked) {
        open.delete(schema);
        costs.set(schema, addUp(asked, { costs, pointer }));
      } else if (open.has(schema)) {
        throw new TaskDocumentInvalidError({
          pointer,
          reason: 'its references lead round in a circle that never comes to a property or an item',
        });
      } else if (!costs.has(schema)) {
        open.add(schema);
        const inner = listAsked(schema, root);
        stack.push({ schema, pointer, asked: inner });
        const at = typeof schema.$ref === 'string' ? pointerOf(schema.$ref) : pointer;
        for (const one of inner) stack.push({ schema: one, pointer: at });
      }
    }
  }
}

function addUp(
  asked: readonly JsonObject[],
  { costs, pointer }: { costs: ReadonlyMap<JsonObject, Cost>; pointer: string },
): Cost {
  let [schemas, chain] = [1, 1];
  for (const one of asked) {
    const cost = costs.get(one);
    schemas += cost?.schemas ?? 0;
    chain = Math.max(chain, 1 + (cost?.chain ?? 0));
  }
  const hint = 'combine fewer schemas for one value';
  if (schemas > MAX_SCHEMAS_PER_VALUE)
    throw new TaskDocumentRefusedError({
      pointer,
      reason: `one value is held against more than ${MAX_SCHEMAS_PER_VALUE} schemas`,
      hint,
    });
  if (chain > MAX_CHAIN)
    throw new TaskDocumentRefusedError({
      pointer,
      reason: `one value is passed on through more than ${MAX_CHAIN} schemas`,
      hint,
    });
  return { schemas, chain };
}

/** The schemas that the same value is held against next. */
function listAsked(schema: JsonObject, root: JsonSchema): JsonObject[] {
  const { $ref, allOf, anyOf, oneOf, not, if: condition, then, else: otherwise, dependentSchemas } = schema;
  const target = typeof $ref === 'string' && isJsonObject(root) ? findByPointer(root, $ref.slice(1)) : undefined;
  const lists = [allOf, anyOf, oneOf].flatMap((list) => (Array.isArray(list) ? list : []) as JsonValue[]);
  const dependent = isJsonObject(dependentSchemas) ? Object.values(dependentSchemas) : [];
  return [target, ...lists, not, condition, then, otherwise, ...dependent].filter((one) => isJsonObject(one));
}
