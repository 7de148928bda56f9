import { type JsonObject, type JsonValue, sortedJson } from '../json.ts';
import type { SchemaCase } from './schema-cases.ts';

/** True when a part says the very same by a keyword: whatever it means, it then holds. References mean other things in other documents. */
export function says({ parts }: SchemaCase, keyword: string, target: JsonObject): boolean {
  const wanted = target[keyword];
  if (wanted === undefined) return true;
  const text = textOf(wanted);
  return (
    !text.includes('Ref"') &&
    !text.includes('"$ref"') &&
    parts.some((part) => part[keyword] !== undefined && textOf(part[keyword]) === text)
  );
}

const texts = new WeakMap<object, string>();

function textOf(value: JsonValue | undefined): string {
  if (typeof value !== 'object' || value === null) return sortedJson(value);
  const known = texts.get(value);
  if (known !== undefined) return known;
  const text = sortedJson(value);
  texts.set(value, text);
  return text;
}
