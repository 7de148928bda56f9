import { types } from 'node:util';
import { findNotPlainJson, isArtifactReference, type JsonObject } from '@mad/core';
import { bareType } from './normalizers.ts';
import type { Place } from './places.ts';
import { textDigest } from './text-digest.ts';

/** As in the gate of `findNotPlainJson`, which tells the place of what is refused here. */
const MAX_DEPTH = 128;

/** Longer strings stand in a signature by their digest: escaping 5 MB into JSON costs as much as its hash. */
const INLINE_LIMIT = 1024;

/** What stands in a signature in place of bytes of which some cannot matter; undefined: all do. */
export interface Folding {
  /** The digest of a file as it is normalized. */
  ofFile(digest: string, contentType: string): string | undefined;
  /** A text as it is normalized. */
  ofText(text: string, contentType: string): string | undefined;
  /** For every digest that `ofFile` gave, that of the file itself. */
  readonly exactDigests?: Readonly<Record<string, string>> | undefined;
}

/**
 * Writes RFC 8785 text and refuses what is not plain JSON in one walk, without paths: `undefined` for all of a value of which any part is refused.
 * With a folding, files and long strings stand in the text by digests, and places that are ignored not at all.
 */
export class CanonicalWriter {
  readonly #folding: Folding | undefined;
  #depth = 0;

  constructor(folding?: Folding) {
    this.#folding = folding;
  }

  write(value: unknown, place?: Place): string | undefined {
    this.#depth = 0;
    return this.#write(value, place);
  }

  #write(value: unknown, place: Place | undefined): string | undefined {
    switch (typeof value) {
      case 'string':
        return this.#folding ? this.#fold(value, place) : writeString(value);
      case 'number':
        return writeNumber(value);
      case 'boolean':
        return value ? 'true' : 'false';
      case 'object': {
        if (value === null) return 'null';
        // A proxy may answer otherwise the second time. A cycle ends by its depth.
        if (this.#depth === MAX_DEPTH || types.isProxy(value)) return undefined;
        this.#depth++;
        const text = Array.isArray(value)
          ? this.#writeArray(value, place)
          : this.#writeObject(value as Record<string, unknown>, place);
        this.#depth--;
        return text;
      }
      default:
        return undefined;
    }
  }

  #writeArray(values: readonly unknown[], place: Place | undefined): string | undefined {
    if (Object.getPrototypeOf(values) !== Array.prototype) return undefined;
    // Indices come first, then `length`: no hole is among them, and no named property after it.
    const names = Object.getOwnPropertyNames(values);
    if (names.length !== values.length + 1 || names[values.length] !== 'length' || hasSymbols(values)) return undefined;
    let text = '[';
    for (let index = 0; index < values.length; index++) {
      if (getterOf.call(values, index)) return undefined;
      const below = place?.item(index);
      const item = below?.isIgnored ? gate(values[index]) : this.#write(values[index], below);
      if (item === undefined) return undefined;
      if (item !== '') text += text === '[' ? item : `,${item}`;
    }
    return `${text}]`;
  }

  #writeObject(value: Record<string, unknown>, place: Place | undefined): string | undefined {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return undefined;
    const keys = Object.keys(value);
    if (Object.getOwnPropertyNames(value).length !== keys.length || hasSymbols(value)) return undefined;
    const members = layoutOf(keys);
    if (members === undefined) return undefined;
    if (this.#folding && keys.length <= 3 && isReference(value, keys)) return this.#foldReference(value, place);
    let text = '';
    for (const { key, written } of members) {
      if (getterOf.call(value, key) !== undefined) return undefined;
      const member = value[key];
      if (member === undefined) {
        if (isAccessor(value, key)) return undefined;
        continue;
      }
      const below = place?.below.get(key);
      const item = below?.isIgnored ? gate(member) : this.#write(member, below);
      if (item === undefined) return undefined;
      if (item !== '') text += text === '' ? written + item : `,${written}${item}`;
    }
    return `{${text}}`;
  }

  #fold(text: string, place: Place | undefined): string | undefined {
    const { contentType } = place ?? {};
    const normalized = contentType === undefined ? undefined : this.#folding?.ofText(text, contentType);
    if (normalized === undefined && text.length <= INLINE_LIMIT) return writeString(text);
    // What is refused of a text is refused however it is normalized.
    if (normalized !== undefined && !isWhole(text)) return undefined;
    if (normalized !== undefined && normalized.length <= INLINE_LIMIT) return writeString(normalized);
    const digest = textDigest(normalized ?? text);
    return digest && writeContent(digest, normalized === undefined ? undefined : contentType);
  }

  #foldReference({ $artifact, contentType }: Reference, place: Place | undefined): string {
    // The interface knows better what is read there than who sends it.
    const type = place?.contentType ?? contentType;
    const normalized = type === undefined ? undefined : this.#folding?.ofFile($artifact, type);
    return normalized === undefined ? writeContent($artifact) : writeContent(normalized, type);
  }
}

interface Reference {
  readonly $artifact: string;
  readonly contentType?: string | undefined;
}

/** False for an object that has more to say than which file it is. */
function isReference(value: object, keys: readonly string[]): value is Reference {
  if (!keys.includes('$artifact') || keys.some((key) => getterOf.call(value, key) !== undefined)) return false;
  if (!isArtifactReference(value as JsonObject)) return false;
  const { $artifact: _, contentType = '', sizeBytes = 0, ...rest } = value as Record<string, unknown>;
  if (typeof contentType !== 'string' || typeof sizeBytes !== 'number') return false;
  return Object.keys(rest).length === 0 && isWhole(contentType) && writeNumber(sizeBytes) !== undefined;
}

function writeContent(digest: string, normalizedAs?: string): string {
  const as = normalizedAs === undefined ? '' : `,"normalizedAs":${JSON.stringify(bareType(normalizedAs))}`;
  return `{"$artifact":"${digest}"${as}}`;
}

const hasSymbols = (value: object): boolean => Object.getOwnPropertySymbols(value).length > 0;

/** Also one that can be set and not read, which looks like what is absent. */
const isAccessor = (value: object, key: string): boolean =>
  Object.getOwnPropertyDescriptor(value, key)?.writable === undefined;

/** The getter of a property, if it has one: a tenth of the time that its descriptor takes. */
const getterOf = Object.getOwnPropertyDescriptor(Object.prototype, '__lookupGetter__')?.value as (
  this: object,
  key: string | number,
) => unknown;

function writeNumber(value: number): string | undefined {
  if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) return undefined;
  return `${value}`;
}

/** Beyond this the text is escaped by whom it takes least for long ones. */
const SHORT = 256;
const ESCAPED_OR_REFUSED = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

function writeString(value: string): string | undefined {
  if (value.length <= SHORT && !ESCAPED_OR_REFUSED.test(value)) return `"${value}"`;
  return isWhole(value) ? JSON.stringify(value) : undefined;
}

const isWhole = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

/** No text at all for what is left out, and yet must be plain JSON: it is kept with the request. */
const gate = (value: unknown): '' | undefined => (findNotPlainJson(value) === undefined ? '' : undefined);

interface Member {
  readonly key: string;
  /** Escaped, with its colon. */
  readonly written: string;
}

/** By first key: the names of an object and their order come again with every request. */
const layouts = new Map<string, { readonly keys: readonly string[]; readonly members: readonly Member[] }>();
const MOST_LAYOUTS = 1_000;

/** The members in their order; undefined where a key is refused. */
function layoutOf(keys: readonly string[]): readonly Member[] | undefined {
  const first = keys[0] ?? '';
  const known = layouts.get(first);
  if (known?.keys.length === keys.length && keys.every((key, at) => key === known.keys[at])) return known.members;
  const members: Member[] = [];
  for (const key of keys.toSorted(byCodeUnits)) {
    const written = writeString(key);
    // Assigned to a copy, __proto__ would become the copy's prototype and vanish.
    if (written === undefined || key === '__proto__') return undefined;
    members.push({ key, written: `${written}:` });
  }
  if (keys.length <= 100 && first.length <= 100) {
    if (layouts.size === MOST_LAYOUTS) layouts.clear();
    layouts.set(first, { keys, members });
  }
  return members;
}

/** UTF-16 code units are what RFC 8785 orders by. */
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);
