import { types } from 'node:util';
import { isJsonObject } from './json.ts';

/** Nesting beyond this is refused: no request comes near it, and readers that recurse stay safe. */
const MAX_DEPTH = 128;
/** A small value can hold one part again and again, and be without end to whoever walks through it. */
const MAX_VALUES = 4_000_000;
/** Of all strings and keys. */
const MAX_CHARACTERS = 512 * 1024 * 1024;

/** The place of the value being checked: keys to it, the containers around it, and how much came before it. */
interface Place {
  readonly path: (string | number)[];
  readonly around: object[];
  values: number;
  characters: number;
}

/** The first place of a value that JSON would lose or change. */
export interface NotPlainJson {
  /** JSON Pointer, `''` for the whole value. */
  readonly pointer: string;
  /** What is there, in words. */
  readonly found: string;
}

/**
 * The first thing in a value that JSON, jsonb or a reader of them would not keep unchanged; undefined for plain JSON. Such are NaN and infinities,
 * integers beyond 2^53, lone surrogates and NUL (also in keys), functions, symbols, bigint, accessors and hidden properties, `__proto__`, holes
 * and undefined in arrays, anything with a class (Date, Map, boxed numbers), proxies, cycles, nesting beyond 128, and more than 4,000,000 values or
 * 512 Mi characters, what is held twice counted twice. An undefined property counts as absent.
 */
export function findNotPlainJson(value: unknown): NotPlainJson | undefined {
  try {
    check(value, { path: [], around: [], values: 0, characters: 0 });
    return undefined;
  } catch (error) {
    if (error instanceof Refusal) return error.facts;
    throw error;
  }
}

class Refusal extends Error {
  readonly facts: NotPlainJson;
  constructor(facts: NotPlainJson) {
    super(facts.found);
    this.facts = facts;
  }
}

function check(value: unknown, place: Place): void {
  countValue(place);
  if (value === null || typeof value === 'boolean') return;
  if (typeof value === 'number') checkNumber(value, place);
  else if (typeof value === 'string') checkString(value, place, 'a string');
  else if (typeof value === 'object') checkContainer(value, place);
  else refuse(place, value === undefined ? 'undefined' : `a ${typeof value}`);
}

function countValue(place: Place): void {
  if (++place.values > MAX_VALUES) refuseWhole(`more than ${MAX_VALUES.toLocaleString('en')} values`);
}

function checkNumber(value: number, place: Place): void {
  if (!Number.isFinite(value)) refuse(place, String(value));
  if (Number.isInteger(value) && !Number.isSafeInteger(value)) refuse(place, 'an integer beyond 2^53');
}

function checkString(value: string, place: Place, what: string): void {
  place.characters += value.length;
  if (place.characters > MAX_CHARACTERS) refuseWhole(`more than ${MAX_CHARACTERS.toLocaleString('en')} characters`);
  if (!value.isWellFormed()) refuse(place, `${what} with a lone surrogate`);
  if (value.includes('\0')) refuse(place, `${what} with a NUL character`);
}

function checkContainer(value: object, place: Place): void {
  // It may answer otherwise when it is asked again.
  if (types.isProxy(value)) refuse(place, 'a proxy');
  if (place.around.includes(value)) refuse(place, 'a cycle');
  if (place.around.length === MAX_DEPTH) refuse(place, `nesting deeper than ${MAX_DEPTH}`);
  place.around.push(value);
  if (Array.isArray(value)) checkArray(value, place);
  else if (isJsonObject(value)) checkObject(value, place);
  else refuse(place, `an instance of ${className(value)}`);
  place.around.pop();
}

function checkArray(value: readonly unknown[], place: Place): void {
  if (Object.getPrototypeOf(value) !== Array.prototype) refuse(place, `an instance of ${className(value)}`);
  for (let index = 0; index < value.length; index++) {
    place.path.push(index);
    const property = Object.getOwnPropertyDescriptor(value, index);
    if (property === undefined) refuse(place, 'a hole in an array');
    else checkProperty(property, place);
    place.path.pop();
  }
  // Every index is there, so one key more than those and `length` is something JSON would drop.
  if (Reflect.ownKeys(value).length > value.length + 1) refuse(place, 'an array with named properties');
}

function checkObject(value: object, place: Place): void {
  for (const key of Reflect.ownKeys(value)) {
    if (typeof key === 'symbol') refuse(place, 'an object with a symbol key');
    else {
      place.path.push(key);
      checkString(key, place, 'a key');
      // Assigned to a copy it would become the copy's prototype and vanish.
      if (key === '__proto__') refuse(place, 'the key __proto__');
      const property = Object.getOwnPropertyDescriptor(value, key);
      if (property && 'value' in property && property.value === undefined && property.enumerable) countValue(place);
      else if (property) checkProperty(property, place);
      place.path.pop();
    }
  }
}

function checkProperty(property: PropertyDescriptor, place: Place): void {
  if (!('value' in property)) refuse(place, 'an accessor');
  if (!property.enumerable) refuse(place, 'a hidden property');
  check(property.value, place);
}

function className(value: object): string {
  const prototype: unknown = Object.getPrototypeOf(value);
  const maker: unknown =
    typeof prototype === 'object' && prototype !== null ? Reflect.get(prototype, 'constructor') : undefined;
  return typeof maker === 'function' && maker.name !== '' ? maker.name : 'an unnamed class';
}

function refuseWhole(found: string): never {
  throw new Refusal({ pointer: '', found });
}

function refuse({ path }: Place, found: string): never {
  const pointer = path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
  throw new Refusal({ pointer, found });
}
