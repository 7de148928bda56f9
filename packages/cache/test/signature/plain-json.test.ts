import { describe, expect, test } from 'vitest';
import { canonicalJson, NotPlainJsonError } from '../../src/index.ts';

class Molecule {
  readonly smiles = 'CCO';
}

const cycle: Record<string, unknown> = {};
cycle.self = cycle;

function nested(depth: number): unknown {
  let value: unknown = 1;
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

const withNamedProperty = Object.assign([1], { extra: 1 });

const refused: readonly (readonly [what: string, value: unknown, pointer: string])[] = [
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
  ['an array of another class', new (class extends Array<number> {})(), ''],
  ['an accessor', Object.defineProperty({}, 'a', { get: () => 1, enumerable: true }), '/a'],
  ['a hidden property', Object.defineProperty({}, 'a', { value: 1, enumerable: false }), '/a'],
  ['the key __proto__', JSON.parse('{"a":{"__proto__":{"b":1}}}'), '/a/__proto__'],
  ['a cycle', { cycle }, '/cycle/self'],
  ['nesting beyond 128', nested(129), '/0'.repeat(128)],
];

describe('the gate refuses what JSON would lose or change, naming the place', () => {
  test.each(refused)('%s', (_what, value, pointer) => {
    let thrown: unknown;
    try {
      canonicalJson(value);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(NotPlainJsonError);
    expect(thrown).toMatchObject({ code: 'MAD_CACHE_NOT_PLAIN_JSON', retryable: false, pointer, details: { pointer } });
  });
});

test('the gate lets through whatever JSON keeps', () => {
  const shared = { a: 1 };
  const bare = Object.assign(Object.create(null), { b: 2 });
  expect(
    canonicalJson({
      z: [shared, shared],
      bare,
      constructor: 'x',
      absent: undefined,
      n: null,
      big: 2 ** 53 - 1,
      text: '😀\n',
    }),
  ).toBe('{"bare":{"b":2},"big":9007199254740991,"constructor":"x","n":null,"text":"😀\\n","z":[{"a":1},{"a":1}]}');
  expect(() => canonicalJson(nested(128))).not.toThrow();
});
