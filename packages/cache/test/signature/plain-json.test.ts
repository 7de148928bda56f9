import { describe, expect, test } from 'vitest';
import { canonicalJson, NotPlainJsonError } from '../../src/index.ts';
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
