import { expect, test } from 'vitest';
import { ValidationFailedError } from '../../src/errors.ts';
import type { JsonValue } from '../../src/json.ts';
import { expandItems } from '../../src/pipeline/for-each.ts';

const expand = (list: JsonValue | undefined, key?: string) =>
  expandItems(
    { inputs: {}, parameters: { list }, steps: {} },
    { items: { from: '/parameters/list' }, ...(key !== undefined && { key }) },
    'dock',
  );
const issuesOf = (...given: Parameters<typeof expand>) => {
  try {
    return expand(...given);
  } catch (error) {
    if (!(error instanceof ValidationFailedError)) throw error;
    expect(error.message).toMatch(/^items of step dock is not valid/);
    return error.issues.map(({ pointer, message }) => `${pointer} ${message}`);
  }
};

test('items are named by their index, by a place in them or by themselves, and keep their order', () => {
  expect(expand([{ id: 'x' }, null])).toEqual([
    { key: '0', value: { id: 'x' } },
    { key: '1', value: null },
  ]);
  expect(expand([{ id: 'x.1' }, { id: 7 }], '/id').map(({ key }) => key)).toEqual(['x.1', '7']);
  expect(expand(['b', 'a'], '').map(({ key }) => key)).toEqual(['b', 'a']);
  expect(expand([])).toEqual([]);
});

test('what is no list, or too long a one, is refused', () => {
  const expected = ' expected a list of 10000 items at most at /parameters/list, found';
  expect(issuesOf(undefined)).toEqual([`${expected} nothing`]);
  expect(issuesOf({ 0: 'a' })).toEqual([`${expected} another value`]);
  expect(issuesOf(Array(10_001).fill(1))).toEqual([`${expected} one of 10001`]);
  expect(expand(Array(10_000).fill(1))).toHaveLength(10_000);
});

test('keys that are missing, malformed or used twice are told with their places', () => {
  expect(issuesOf([{ id: 'a' }, {}, { id: 'a' }, { id: 'a/b' }, { id: 'x'.repeat(101) }, { id: true }], '/id')).toEqual(
    [
      '/1/id expected a key of 1 to 100 letters, digits, . _ or -',
      '/2/id item 0 has this key too; each item needs its own',
      '/3/id expected a key of 1 to 100 letters, digits, . _ or -',
      '/4/id expected a key of 1 to 100 letters, digits, . _ or -',
      '/5/id expected a key of 1 to 100 letters, digits, . _ or -',
    ],
  );
  expect(issuesOf([{ id: 1 }, { id: '1' }], '/id')).toHaveLength(1);
  expect(issuesOf(Array(10_000).fill({ id: '' }), '/id')).toHaveLength(20);
});

test('a key is found among what an item owns', () => {
  expect(issuesOf([{}], '/constructor/name')).toHaveLength(1);
});
