import type { FuncKeywordDefinition } from 'ajv';
import { type JsonValue, sortedJson } from '../json.ts';

/** `uniqueItems` in time linear to the array: the validator's own holds each item against each other. */
export const uniqueItems: FuncKeywordDefinition = {
  keyword: 'uniqueItems',
  type: 'array',
  schemaType: 'boolean',
  errors: true,
  compile: (isWanted: boolean) => {
    const check: ReturnType<NonNullable<FuncKeywordDefinition['compile']>> = (items: readonly JsonValue[]) => {
      const twice = isWanted ? findTwice(items) : undefined;
      if (!twice) return true;
      const [i, j] = twice;
      check.errors = [
        {
          keyword: 'uniqueItems',
          params: { i, j },
          message: `must NOT have duplicate items (items ## ${i} and ${j} are identical)`,
        },
      ];
      return false;
    };
    return check;
  },
};

function findTwice(items: readonly JsonValue[]): readonly [number, number] | undefined {
  const seen = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const text = sortedJson(item);
    const first = seen.get(text);
    if (first !== undefined) return [first, index];
    seen.set(text, index);
  }
  return undefined;
}
