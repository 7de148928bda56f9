import { expect, test } from 'vitest';
import { findNotPlainJson } from '../src/index.ts';

const hidden = (value: object) => Object.defineProperty(value, 'at', { value: 1, enumerable: false });

test.each<[string, unknown, string, RegExp]>([
  ['a proxy', { list: [new Proxy({}, {})] }, '/list/0', /proxy/],
  ['a proxy of an array', new Proxy([1], {}), '', /proxy/],
  ['a hidden property', { a: hidden({}) }, '/a/at', /hidden/],
  ['a named property of an array', { a: Object.assign([1], { b: 1 }) }, '/a', /named/],
  ['a hidden property of an array', { a: hidden([1]) }, '/a', /named/],
  ['a setter', Object.defineProperty({}, 'a', { set() {}, enumerable: true }), '/a', /accessor/],
  ['a key with a slash', { 'a/b': { '~': Number.NaN } }, '/a~1b/~0', /NaN/],
])('%s is found where it is', (...[, value, pointer, found]) => {
  expect(findNotPlainJson(value)).toMatchObject({ pointer, found: expect.stringMatching(found) });
});

test.each<[string, unknown, RegExp]>([
  ['values', 1, /more than 4,000,000 values/],
  ['absent values', { a: undefined }, /more than 4,000,000 values/],
  ['characters', 'x'.repeat(1_000_000), /more than 536,870,912 characters/],
])('a value that holds one part again and again is refused for its %s', (_what, leaf, found) => {
  let value = leaf;
  for (let i = 0; i < 40; i++) value = [value, value];
  expect(findNotPlainJson(value)).toEqual({ pointer: '', found: expect.stringMatching(found) });
});

test('plain JSON has nothing to find', () => {
  const shared = { a: [1, 'text', null, true], absent: undefined };
  expect(
    findNotPlainJson({ shared, again: shared, bare: Object.assign(Object.create(null), { b: 2 }) }),
  ).toBeUndefined();
});
