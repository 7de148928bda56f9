import { types } from 'node:util';
import { isArtifactReference, type JsonObject } from '@mad/core';
import { bareType } from './normalizers.ts';
import type { Place } from './places.ts';
import { textDigest } from './text-digest.ts';

/** As in the gate of `findNotPlainJson`, which tells the place of what is refused here. */
const MAX_DEPTH = 128;
/** A small value can hold one part again and again, and be without end when it is written. */
const MAX_VALUES = 4_000_000;
/** Of what is read and not written. What is written ends where JavaScript's strings do, at about as much. */
const MAX_CHARACTERS = 512 * 1024 * 1024;

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
 * With a folding, files and long strings stand in the text by digests, ignored properties not at all, and ignored items of an array as null.
 */
export class CanonicalWriter {
  #folding: Folding | undefined;
  #depth = 0;
  #values = 0;
  #unwritten = 0;

  constructor(folding?: Folding) {
    this.#folding = folding;
  }

  write(value: unknown, place?: Place): string | undefined {
    this.#depth = 0;
    this.#values = 0;
    this.#unwritten = 0;
    try {
      return this.#write(value, place);
    } catch (error) {
      // Longer than a string can be.
      if (error instanceof RangeError) return undefined;
      throw error;
    }
  }

  #write(value: unknown, place: Place | undefined): string | undefined {
    if (++this.#values > MAX_VALUES) return undefined;
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
    // Indices come first, then `length`: no hole is among them, and no named property or symbol after it.
    const names = Reflect.ownKeys(values);
    if (names.length !== values.length + 1 || names[values.length] !== 'length') return undefined;
    let text = '[';
    for (let index = 0; index < values.length; index++) {
      if (getterOf.call(values, index)) return undefined;
      const below = place?.item(index);
      const item = below?.isIgnored ? this.#gate(values[index]) : this.#write(values[index], below);
      if (item === undefined) return undefined;
      // An ignored one keeps its place: how many there are is no part of what is ignored.
      text += `${index === 0 ? '' : ','}${item || 'null'}`;
    }
    return `${text}]`;
  }

  #writeObject(value: Record<string, unknown>, place: Place | undefined): string | undefined {
    const prototype: unknown = Object.getPrototypeOf(value);
    if (prototype !== Object.prototype && prototype !== null) return undefined;
    // Two calls: for objects `ownKeys` takes six times as long as both.
    const keys = Object.getOwnPropertyNames(value);
    if (Object.getOwnPropertySymbols(value).length > 0) return undefined;
    const members = layoutOf(keys);
    if (members === undefined) return undefined;
    if (this.#folding && keys.length === REFERENCE_KEYS.length && isReference(value, keys))
      return this.#foldReference(value, place);
    let text = '';
    let looksFolded = false;
    for (const { key, first, next, isMark } of members) {
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (!isPlain(property)) return undefined;
      const member: unknown = property.value;
      if (member === undefined) {
        if (++this.#values > MAX_VALUES || !this.#passOver(key)) return undefined;
        continue;
      }
      const below = place?.below.get(key);
      const item = below?.isIgnored ? this.#gate(member) : this.#write(member, below);
      if (item === undefined) return undefined;
      if (item === '') continue;
      text = text === '' ? first + item : text + next + item;
      looksFolded ||= isMark;
    }
    return looksFolded && this.#folding ? `{"$plain":{${text}}}` : `{${text}}`;
  }

  /** No text at all for what is left out, and yet must be plain JSON: it is kept with the request. */
  #gate(value: unknown): '' | undefined {
    const folding = this.#folding;
    this.#folding = undefined;
    const text = this.#write(value, undefined);
    this.#folding = folding;
    return text !== undefined && this.#passOver(text) ? '' : undefined;
  }

  /** False where too much has been read that leaves nothing in the text. */
  #passOver(text: string): boolean {
    this.#unwritten += text.length;
    return this.#unwritten <= MAX_CHARACTERS;
  }

  #fold(text: string, place: Place | undefined): string | undefined {
    const { contentType } = place ?? {};
    const normalized = contentType === undefined ? undefined : this.#folding?.ofText(text, contentType);
    if (normalized === undefined && text.length <= INLINE_LIMIT) return writeString(text);
    if (!this.#passOver(text)) return undefined;
    if (normalized === undefined || contentType === undefined) return writeDigest(textDigest(text));
    // What is refused of a text is refused however it is normalized.
    if (!isWhole(text)) return undefined;
    if (normalized.length > INLINE_LIMIT) return writeDigest(textDigest(normalized), contentType);
    const written = writeString(normalized);
    return written && `{"$text":${written},"normalizedAs":${writeType(contentType)}}`;
  }

  #foldReference({ $artifact, contentType }: Reference, place: Place | undefined): string | undefined {
    // The interface knows better what is read there than who sends it.
    const type = place?.contentType ?? contentType;
    const normalized = type === undefined ? undefined : this.#folding?.ofFile($artifact, type);
    return normalized === undefined ? writeDigest($artifact) : writeDigest(normalized, type);
  }
}

interface Reference {
  readonly $artifact: string;
  readonly contentType: string;
}

const REFERENCE_KEYS: readonly string[] = ['$artifact', 'contentType', 'sizeBytes'];

/** What begins an object that stands for something else. A request's own object with such a key is written below `$plain`, which begins nothing else. */
const MARKS: readonly string[] = ['$artifact', '$text', '$plain'];

/** False for an object that has more or less to say than which file it is: where a service takes files, it is none. */
function isReference(value: object, keys: readonly string[]): value is Reference {
  for (const key of keys)
    if (!REFERENCE_KEYS.includes(key) || !isPlain(Object.getOwnPropertyDescriptor(value, key))) return false;
  if (!isArtifactReference(value as JsonObject)) return false;
  const { contentType, sizeBytes }: { readonly contentType?: unknown; readonly sizeBytes?: unknown } = value;
  if (typeof contentType !== 'string' || typeof sizeBytes !== 'number') return false;
  return isWhole(contentType) && writeNumber(sizeBytes) !== undefined;
}

function writeDigest(digest: string | undefined, normalizedAs?: string): string | undefined {
  const as = normalizedAs === undefined ? '' : `,"normalizedAs":${writeType(normalizedAs)}`;
  return digest && `{"$artifact":"${digest}"${as}}`;
}

const writeType = (contentType: string): string => JSON.stringify(bareType(contentType));

/** Neither hidden nor an accessor, also one that can be set and not read. */
const isPlain = (property: PropertyDescriptor | undefined): property is PropertyDescriptor =>
  property?.writable !== undefined && property.enumerable === true;

/** The getter of an item, if it has one: a quarter of the time that its descriptor takes. The descriptor of an object's member takes no longer. */
const getterOf = Object.getOwnPropertyDescriptor(Object.prototype, '__lookupGetter__')?.value as (
  this: object,
  index: number,
) => unknown;

function writeNumber(value: number): string | undefined {
  // Beyond it every double is an integer, and NaN is not less than anything.
  return Math.abs(value) <= Number.MAX_SAFE_INTEGER ? `${value}` : undefined;
}

/** Beyond this the text is escaped by whom it takes least for long ones. */
const SHORT = 256;
const ESCAPED_OR_REFUSED = /[^\x20\x21\x23-\x5b\x5d-\x7e]/;

function writeString(value: string): string | undefined {
  if (value.length <= SHORT && !ESCAPED_OR_REFUSED.test(value)) return `"${value}"`;
  return isWhole(value) ? JSON.stringify(value) : undefined;
}

const isWhole = (text: string): boolean => text.isWellFormed() && !text.includes('\0');

interface Member {
  readonly key: string;
  /** The key escaped, with its colon. */
  readonly first: string;
  /** The same after a comma. */
  readonly next: string;
  readonly isMark: boolean;
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
    members.push({ key, first: `${written}:`, next: `,${written}:`, isMark: MARKS.includes(key) });
  }
  if (keys.length <= 100 && first.length <= 100) {
    if (layouts.size === MOST_LAYOUTS) layouts.clear();
    layouts.set(first, { keys, members });
  }
  return members;
}

/** UTF-16 code units are what RFC 8785 orders by. */
const byCodeUnits = (a: string, b: string): number => (a < b ? -1 : 1);
