import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/index.ts';
import { changeOnce, plainObject, shuffleKeys } from './plain-values.ts';
import { doubleOf, rfcNumbers } from './rfc-8785.ts';

test.each(rfcNumbers)('the double %s is written %s', (bits, text) => {
  const value = doubleOf(bits);
  if (text === undefined) expect(() => canonicalJson(value)).toThrow(/plain JSON/);
  else expect(canonicalJson(value)).toBe(text);
});

test('the example of RFC 8785, section 3.2.2', () => {
  const value = JSON.parse(`{
    "numbers": [333333333.33333329, 4.50, 2e-3, 0.000000000000000000000000001],
    "string": "\\u20ac$\\u000F\\u000aA'\\u0042\\u0022\\u005c\\\\\\"\\/",
    "literals": [null, true, false]
  }`);
  expect(canonicalJson(value)).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,4.5,0.002,1e-27],"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('the keys of RFC 8785, section 3.2.3, are ordered by UTF-16 code units', () => {
  const value = {
    '€': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '😀': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    ö: 'Latin Small Letter O With Diaeresis',
  };
  const keys = ['\\r', '1', '\u0080', 'ö', '€', '😀', '\ufb33'];
  const at = keys.map((key) => canonicalJson(value).indexOf(`"${key}":`));
  expect(at).toEqual(at.toSorted((a, b) => a - b));
  expect(at).not.toContain(-1);
});

test('control characters are escaped as in RFC 8785, section 3.2.2.2', () => {
  expect(canonicalJson('\b\t\n\f\r"\\\u0001\u001f\u007f\u2028/')).toBe(
    '"\\b\\t\\n\\f\\r\\"\\\\\\u0001\\u001f\u007f\u2028/"',
  );
});

test('the text is that of canonicalize, equal in any order of keys, and another after any single change', () => {
  fc.assert(
    fc.property(plainObject, fc.nat(), (value, at) => {
      const text = canonicalJson(value);
      expect(text).toBe(canonicalize(value));
      expect(canonicalJson(shuffleKeys(value, at))).toBe(text);
      expect(canonicalJson(structuredClone(value))).toBe(text);
      expect(canonicalJson(changeOnce(value, at))).not.toBe(text);
    }),
    { numRuns: 200, seed: 8785 },
  );
});

test('objects that differ in one of many keys, and long keys, are told apart', () => {
  const wide = Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`${'k'.repeat(i)}${i}`, i]));
  expect(canonicalJson(wide)).toBe(canonicalize(wide));
  expect(canonicalJson({ a: 1, b: 2 })).toBe('{"a":1,"b":2}');
  expect(canonicalJson({ a: 1, c: 2 })).toBe('{"a":1,"c":2}');
  expect(canonicalJson({ a: 1 })).toBe('{"a":1}');
});
