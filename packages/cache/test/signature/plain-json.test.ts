import { describe, expect, test } from 'vitest';
import { canonicalJson, inputSignature, NotPlainJsonError } from '../../src/index.ts';
import { nested, refusedValues } from './refused-values.ts';

describe('the gate refuses what JSON would lose or change, naming the place', () => {
  test.each(refusedValues)('%s', (_what, value, pointer) => {
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

test.each<[string, PropertyDescriptor]>([
  ['a getter', { get: () => 'chemical/x-pdb', enumerable: true }],
  ['a setter', { set() {}, enumerable: true }],
  ['a hidden property', { value: 'chemical/x-pdb', enumerable: false }],
])('a file in a request is refused with %s, though its digest alone is signed', (_what, contentType) => {
  const file = Object.defineProperty({ $artifact: 'a'.repeat(64) }, 'contentType', contentType);
  expect(() => inputSignature({ inputs: {}, parameters: { file } })).toThrow(
    expect.objectContaining({ pointer: '/file/contentType' }),
  );
});

const ones = Array(1_000).fill(1);

/** Small in memory, 2^depth leaves when it is walked through. */
function doubled(depth: number, leaf: unknown): unknown {
  let value = leaf;
  for (let i = 0; i < depth; i++) value = [value, value];
  return value;
}

test.each<[string, unknown, RegExp]>([
  ['values', doubled(40, ones), /more than 4,000,000 values/],
  ['characters', doubled(12, 'x'.repeat(1_000_000)), /more than 536,870,912 characters/],
  ['text only when it is escaped', doubled(9, '\u0001'.repeat(1_000_000)), /more than 512 MB of JSON/],
])('what holds one part again and again is refused for its %s', (_what, value, words) => {
  const refused = expect.objectContaining({ code: 'MAD_CACHE_NOT_PLAIN_JSON', message: expect.stringMatching(words) });
  expect(() => canonicalJson(value)).toThrow(refused);
});

test.each<[string, unknown, readonly string[]]>([
  ['asked', doubled(40, ones), []],
  ['ignored item by item', doubled(40, ones), ['/value/-']],
  ['asked as long text', doubled(12, 'x'.repeat(1_000_000)), []],
  ['ignored as long text', doubled(12, 'x'.repeat(1_000_000)), ['/value/0/0/0/0/0', '/value/-/-/-/-/-']],
])('such a value is refused in a request, %s', (_what, value, ignoredPointers) => {
  const parameters = { value } as never;
  expect(() => inputSignature({ inputs: {}, parameters, ignoredPointers })).toThrow(/more than/);
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
