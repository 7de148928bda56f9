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
  const stack: { value: JsonValue | undefined; path: readonly string[] }[] = [{ value: root, path: [] }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, path } = next;
    const fault = faultOf(value, { depth: path.length, allowNul });
    if (fault !== undefined)
      return {
        pointer: path
          .slice(0, 16)
          .map((token) => `/${token.slice(0, 80)}`)
          .join(''),
        message: fault,
      };
    if (Array.isArray(value))
      for (const [index, item] of value.entries())
        stack.push({ value: item as JsonValue, path: [...path, String(index)] });
    else if (isJsonObject(value))
      for (const [key, item] of Object.entries(value)) stack.push({ value: item, path: [...path, key] });
  }
  return undefined;
}

function faultOf(
  value: JsonValue | undefined,
  { depth, allowNul }: { depth: number; allowNul: boolean },
): string | undefined {
  if (depth > MAX_DEPTH) return `expected at most ${MAX_DEPTH} levels of nesting`;
  if (typeof value === 'number')
    return Number.isFinite(value) ? undefined : 'expected a number within the range of a double';
  if (typeof value === 'string') {
    if (!value.isWellFormed()) return 'expected text without half of a surrogate pair';
    return !allowNul && value.includes('\0') ? 'expected text without U+0000' : undefined;
  }
  if (isJsonObject(value) && Object.hasOwn(value, '__proto__')) return 'expected no property named __proto__';
  return undefined;
}
