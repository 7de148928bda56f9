import { findByPointer, isJsonObject, type JsonValue } from '../json.ts';
import type { JsonSchema } from './json-schema.ts';

/** Deeper schemas than this are not read; `compileSchema` accepts none of them. */
const MAX_DEPTH = 128;

interface Outline {
  /** Nested too deep to be read by recursion. */
  readonly isTooDeep: boolean;
  /** A part of it says `$id`, from which on references mean something else. */
  readonly hasInnerBase: boolean;
}

const outlines = new WeakMap<object, Outline>();

/** The schema a `$ref` of `root` leads to; undefined where that cannot be told: an anchor, another document, a base of its own, nothing. */
export function resolveRef(root: JsonSchema, ref: JsonValue | undefined): JsonSchema | undefined {
  if (typeof ref !== 'string' || !/^#(\/|$)/.test(ref) || outlineOf(root).hasInnerBase) return undefined;
  const found = findByPointer(root, decodeFragment(ref.slice(1)));
  return isJsonObject(found) || typeof found === 'boolean' ? found : undefined;
}

/** True when a schema is nested too deep to be read by recursion. */
export const isTooDeep = (schema: JsonSchema): boolean => outlineOf(schema).isTooDeep;

function decodeFragment(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

function outlineOf(root: JsonSchema): Outline {
  if (typeof root === 'boolean') return { isTooDeep: false, hasInnerBase: false };
  const known = outlines.get(root);
  if (known) return known;
  const outline = outlineFresh(root);
  outlines.set(root, outline);
  return outline;
}

function outlineFresh(root: JsonSchema): Outline {
  let hasInnerBase = false;
  // A stack of our own: hostile nesting must not overflow the call stack.
  const stack: { value: JsonValue | undefined; depth: number }[] = [{ value: root, depth: 0 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, depth } = next;
    if (typeof value !== 'object' || value === null) continue;
    if (depth > MAX_DEPTH) return { isTooDeep: true, hasInnerBase: true };
    if (depth > 0 && '$id' in value) hasInnerBase = true;
    for (const inner of Object.values(value)) stack.push({ value: inner, depth: depth + 1 });
  }
  return { isTooDeep: false, hasInnerBase };
}
