import { expect, test } from 'vitest';
import { Recent } from '../src/recent.ts';

test('what was used longest ago goes first, by size', () => {
  const recent = new Recent<string, number>(10);
  recent.set('a', 1, 4);
  recent.set('b', 2, 4);
  expect(recent.get('a')).toBe(1);
  recent.set('c', 3, 5);
  expect(['a', 'b', 'c'].map((key) => recent.get(key))).toEqual([1, undefined, 3]);
  recent.set('a', 5, 1);
  recent.set('d', 4, 4);
  expect(['a', 'c', 'd'].map((key) => recent.get(key))).toEqual([5, 3, 4]);
});

test('what is larger than the limit is not kept, and nothing goes for it', () => {
  const recent = new Recent<string, number>(3);
  recent.set('a', 1);
  recent.set('large', 2, 4);
  expect([recent.get('a'), recent.get('large')]).toEqual([1, undefined]);
  recent.set('b', 3);
  recent.delete('b');
  recent.delete('b');
  for (const key of ['c', 'd', 'e']) recent.set(key, 0);
  expect(['c', 'd', 'e'].map((key) => recent.get(key))).toEqual([0, 0, 0]);
});
