import { isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import type { ApiParameter } from '../../openapi/api-operation.ts';

export type Written = Pick<ApiParameter, 'name' | 'in' | 'style' | 'explode' | 'allowReserved'>;

/** Characters of RFC 3986 that may stand in a query as they are without parting it: the others of its reserved ones are always encoded. */
const RESERVED = /%(?:3A|2F|3F|40|21|24|27|28|29|2A|2C|3B)/g;

const encode = (text: string): string =>
  encodeURIComponent(text).replaceAll(/[!'()*]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`);

/** A value of a parameter as the text that stands for it in a path, with the name where the style has it. */
export function toPathText({ name, style, explode }: Written, value: JsonValue): string {
  const parts = partsOf(value, { explode, encode, between: explode && isJsonObject(value) ? '=' : ',' });
  if (style === 'label') return `.${parts.join(explode ? '.' : ',')}`;
  if (style !== 'matrix') return parts.join(',');
  if (explode && isJsonObject(value)) return parts.map((part) => `;${part}`).join('');
  if (explode && Array.isArray(value)) return parts.map((part) => `;${encode(name)}=${part}`).join('');
  const text = parts.join(',');
  return text === '' ? `;${encode(name)}` : `;${encode(name)}=${text}`;
}

/** A value of a parameter as the pairs that stand for it in a query or a cookie, each `name=value`, encoded. */
export function toPairs(
  { name, in: place, style, explode, allowReserved }: Written,
  value: JsonValue,
): readonly string[] {
  const write = (text: string): string =>
    allowReserved && place === 'query' ? encode(text).replaceAll(RESERVED, decodeURIComponent) : encode(text);
  if (style === 'deepObject') return deepPairs(name, value).map(([key, text]) => `${encode(key)}=${write(text)}`);
  if (explode && isJsonObject(value)) return partsOf(value, { explode, encode: write, between: '=' });
  if (explode && Array.isArray(value))
    return partsOf(value, { explode, encode: write, between: ',' }).map((part) => `${encode(name)}=${part}`);
  const parts = partsOf(value, { explode: false, encode: write, between: ',' });
  return [`${encode(name)}=${parts.join(DELIMITERS[style] ?? ',')}`];
}

const DELIMITERS: { readonly [style: string]: string } = { spaceDelimited: '%20', pipeDelimited: '%7C' };

/** A value of a parameter as a header's text, nothing encoded. */
export function toHeaderText({ explode }: Written, value: JsonValue): string {
  const between = explode && isJsonObject(value) ? '=' : ',';
  return partsOf(value, { explode, encode: (text) => text, between }).join(',');
}

interface Parts {
  readonly explode: boolean;
  readonly encode: (text: string) => string;
  /** Between a key and its value. */
  readonly between: string;
}

function partsOf(value: JsonValue, { explode, encode: write, between }: Parts): string[] {
  if (Array.isArray(value)) return value.map((item: JsonValue) => write(toText(item)));
  if (!isJsonObject(value)) return [write(toText(value))];
  const pairs = entriesOf(value).map(([key, item]) => [write(key), write(toText(item))] as const);
  return explode ? pairs.map(([key, text]) => `${key}${between}${text}`) : pairs.flat();
}

/** `color[R]=100`, deeper levels alike; the items of an array under one key. */
function deepPairs(name: string, value: JsonValue): (readonly [key: string, text: string])[] {
  if (isJsonObject(value)) return entriesOf(value).flatMap(([key, item]) => deepPairs(`${name}[${key}]`, item));
  if (Array.isArray(value)) return value.map((item: JsonValue) => [name, toText(item)] as const);
  return [[name, toText(value)]];
}

const entriesOf = (value: JsonObject): (readonly [string, JsonValue])[] =>
  Object.entries(value).flatMap(([key, item]) => (item === undefined ? [] : [[key, item] as const]));

/** No style says how to write an object inside a list: as JSON, it can be read again. */
export const toText = (value: JsonValue): string =>
  typeof value === 'object' && value !== null ? JSON.stringify(value) : String(value);
