import { isJsonObject, type JsonValue, type ValidationIssue } from '@mad/core';

const MAX_DEPTH = 128;

/**
 * The first place that rows cannot hold, though JSON text can say it: numbers beyond double, text with U+0000 or half a surrogate pair, keys that
 * reach JavaScript's machinery, bottomless nesting. `allowNul` is for values whose files still stand in them as text.
 */
export function findUnstorable(
  root: JsonValue,
  { allowNul = false }: { readonly allowNul?: boolean } = {},
): ValidationIssue | undefined {
  const fault = find(root, 0, allowNul);
  return fault && { pointer: toPointer(fault.path), message: fault.message };
}

interface Fault {
  readonly message: string;
  /** From the inside out: only the way to a fault is ever written down. */
  readonly path: string[];
}

function find(value: JsonValue | undefined, depth: number, allowNul: boolean): Fault | undefined {
  if (typeof value === 'string') {
    if (!value.isWellFormed()) return faulty('expected text without half of a surrogate pair');
    return !allowNul && value.includes('\0') ? faulty('expected text without U+0000') : undefined;
  }
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : faulty('expected a number within the range of a double');
  if (typeof value === 'boolean' || value === null || value === undefined) return undefined;
  if (!Array.isArray(value) && !isJsonObject(value)) return faulty('expected plain JSON');
  if (depth > MAX_DEPTH) return faulty(`expected at most ${MAX_DEPTH} levels of nesting`);
  for (const key of Object.keys(value)) {
    if (key === '__proto__') return faulty('expected no property named __proto__');
    if (!key.isWellFormed() || key.includes('\0'))
      return faulty('expected names of properties without U+0000 and half surrogate pairs');
    const fault = find((value as { readonly [key: string]: JsonValue | undefined })[key], depth + 1, allowNul);
    if (fault) return { ...fault, path: [...fault.path, key] };
  }
  return undefined;
}

const faulty = (message: string): Fault => ({ message, path: [] });

const toPointer = (path: readonly string[]): string =>
  path
    .toReversed()
    .slice(0, 16)
    .map((token) => `/${token.slice(0, 80)}`)
    .join('');
