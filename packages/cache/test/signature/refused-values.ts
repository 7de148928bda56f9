class Molecule {
  readonly smiles = 'CCO';
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

/** An array in an array, that many times. */
export function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

const withHole = [1];
withHole[2] = 3;
const withNamedProperty = Object.assign([1], { extra: 1 });

/** What is no plain JSON, and where. */
export const refusedValues: readonly (readonly [what: string, value: unknown, pointer: string])[] = [
  ['NaN', { a: [0, Number.NaN] }, '/a/1'],
  ['Infinity', { a: Number.POSITIVE_INFINITY }, '/a'],
  ['-Infinity', Number.NEGATIVE_INFINITY, ''],
  ['2^53', 2 ** 53, ''],
  ['-(2^53)', { n: -(2 ** 53) }, '/n'],
  ['1e300', 1e300, ''],
  ['a lone surrogate', { s: 'a\ud800' }, '/s'],
  ['a lone surrogate in a key', { '\udc00': 1 }, '/\ufffd'],
  ['NUL', { s: 'a\0b' }, '/s'],
  ['NUL in a key', { 'a\0': 1 }, '/a\ufffd'],
  ['undefined', undefined, ''],
  ['undefined in an array', [1, undefined], '/1'],
  ['a hole', new Array(3), '/0'],
  ['a function', { f: () => 1 }, '/f'],
  ['a toJSON method', { toJSON: () => 'something else' }, '/toJSON'],
  ['a symbol', { s: Symbol('s') }, '/s'],
  ['a symbol key', { [Symbol('k')]: 1 }, ''],
  ['a bigint', { n: 1n }, '/n'],
  ['a Date', { at: new Date(0) }, '/at'],
  ['a Map', { 'm/~': new Map() }, '/m~1~0'],
  ['a Set', new Set(), ''],
  ['a RegExp', /x/, ''],
  ['bytes', new Uint8Array(2), ''],
  ['a boxed number', new Number(1), ''],
  ['an instance of a class', { molecule: new Molecule() }, '/molecule'],
  ['an array with named properties', { list: withNamedProperty }, '/list'],
  ['a hidden property of an array', Object.defineProperty([1], 'at', { value: 1, enumerable: false }), ''],
  ['a symbol key of an array', Object.assign([1], { [Symbol('k')]: 1 }), ''],
  ['a hole beside a named property', Object.assign(withHole, { extra: 1 }), '/1'],
  ['an array of another class', new (class extends Array<number> {})(), ''],
  ['an accessor', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true }), '/a'],
  ['an accessor in an array', { list: Object.defineProperty([1], 0, { get: () => 1, enumerable: true }) }, '/list/0'],
  ['a setter', Object.defineProperty({}, 'a', { set() {}, enumerable: true }), '/a'],
  ['a proxy that lies', { p: new Proxy({ a: 1 }, { get: () => Math.random() }) }, '/p'],
  ['a typed array in an array', [new Float64Array(1)], '/0'],
  ['a hidden property', Object.defineProperty({}, 'a', { value: 1, enumerable: false }), '/a'],
  ['the key __proto__', JSON.parse('{"a":{"__proto__":{"b":1}}}'), '/a/__proto__'],
  ['a cycle', { cycle }, '/cycle/self'],
  ['nesting beyond 128', nested(129), '/0'.repeat(128)],
];
