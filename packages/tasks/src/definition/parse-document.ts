import type { JsonObject, JsonValue } from '@mad/core';
import { TaskDocumentRefusedError } from '../errors.ts';
import { readYaml } from './read-yaml.ts';

const MAX_BYTES = 5 * 1024 * 1024;
const MAX_DEPTH = 64;
const MAX_NODES = 500_000;
const BUNDLE = 'bundle the document first, so that it holds everything it refers to';
// `$async` and `$data` change what a validator does; the others reach JavaScript's own machinery.
const REFUSED_KEYS = new Set(['$async', '$data', '__proto__', 'constructor', 'prototype']);

/**
 * A document of unknown origin as plain JSON of its own: an object, or JSON or YAML text. What it refers to lies inside it (`#/…`), it is at most
 * 64 levels deep and 5 MB (256 kB as YAML), and no key reaches the machinery of the language or of a validator.
 * @throws {TaskDocumentRefusedError}
 */
export function parseDocument(document: string | object): JsonObject {
  const copy = copyPlain(typeof document === 'string' ? readText(document) : document);
  if (typeof document !== 'string') refuseOversize(Buffer.byteLength(JSON.stringify(copy)));
  if (typeof copy !== 'object' || copy === null || Array.isArray(copy))
    throw refused('', 'an OpenAPI document is a JSON object');
  return copy as JsonObject;
}

function readText(text: string): unknown {
  refuseOversize(Buffer.byteLength(text));
  if (/^\s*[{[]/.test(text)) {
    try {
      return JSON.parse(text);
    } catch {
      // YAML's flow style starts the same way.
    }
  }
  return readYaml(text);
}

interface Place {
  readonly value: unknown;
  readonly pointer: string;
  readonly depth: number;
  readonly put: (copy: JsonValue) => void;
}

/** Copies with a stack of its own, so that neither hostile depth nor a cycle can overflow the call stack. */
function copyPlain(root: unknown): JsonValue {
  let result: JsonValue = null;
  const stack: Place[] = [{ value: root, pointer: '', depth: 0, put: (copy) => (result = copy) }];
  for (let nodes = 1, next = stack.pop(); next; nodes++, next = stack.pop()) {
    const { value, pointer, depth, put } = next;
    if (depth > MAX_DEPTH)
      throw refused(pointer.slice(0, 200), `it is deeper than ${MAX_DEPTH} levels`, {
        hint: 'move the inner schemas to #/components/schemas',
      });
    const ahead = stack.length + (Array.isArray(value) ? value.length : 0);
    if (nodes + ahead > MAX_NODES)
      throw refused('', `it holds more than ${MAX_NODES} values`, { hint: 'register fewer operations' });
    if (isScalar(value, pointer)) put(value);
    else if (Array.isArray(value)) {
      const copy: JsonValue[] = new Array<JsonValue>(value.length).fill(null);
      put(copy);
      for (const [index, item] of value.entries()) {
        stack.push({
          value: item as unknown,
          pointer: `${pointer}/${index}`,
          depth: depth + 1,
          put: (inner) => (copy[index] = inner),
        });
      }
    } else {
      const copy: Record<string, JsonValue> = {};
      put(copy);
      for (const [key, item] of entriesOf(value, pointer)) {
        const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
        refuseKey(key, item, at);
        if (item !== undefined)
          stack.push({ value: item, pointer: at, depth: depth + 1, put: (inner) => (copy[key] = inner) });
        // Holds the order of the keys, which the stack turns round.
        copy[key] = null;
        if (item === undefined) delete copy[key];
      }
    }
  }
  return result;
}

function isScalar(value: unknown, pointer: string): value is null | string | number | boolean {
  if (value === null || typeof value === 'boolean') return true;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return true;
    throw refused(pointer, 'it holds a number that JSON does not have');
  }
  if (typeof value !== 'string') return false;
  if (value.isWellFormed() && !value.includes('\0')) return true;
  throw refused(pointer, 'it holds U+0000 or half of a surrogate pair, which a database does not store');
}

function entriesOf(value: unknown, pointer: string): [string, unknown][] {
  const prototype: unknown = typeof value === 'object' ? Object.getPrototypeOf(value) : undefined;
  if (typeof value === 'object' && value !== null && (prototype === Object.prototype || prototype === null))
    return Object.entries(value);
  throw refused(pointer, `expected plain JSON, got ${typeof value}`);
}

function refuseKey(key: string, value: unknown, pointer: string): void {
  if (REFUSED_KEYS.has(key)) throw refused(pointer, `the key ${key} is not accepted`);
  if ((key !== '$ref' && key !== '$dynamicRef') || typeof value !== 'string') return;
  if (!value.startsWith('#/')) throw refused(pointer, `${key} leads out of the document`, { hint: BUNDLE });
}

function refuseOversize(bytes: number): void {
  if (bytes > MAX_BYTES)
    throw refused('', `it has ${bytes} bytes, more than ${MAX_BYTES}`, {
      hint: 'take out the operations and examples that the task does not need',
    });
}

function refused(
  pointer: string,
  reason: string,
  more: { hint?: string; cause?: unknown } = {},
): TaskDocumentRefusedError {
  return new TaskDocumentRefusedError({
    pointer,
    reason,
    hint: more.hint ?? 'correct the document and register it again',
    cause: more.cause,
  });
}
