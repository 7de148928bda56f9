import { expect, test } from 'vitest';
import { pageLimit, ValidationFailedError } from '../../src/index.ts';

test('a page has 1 to 500 rows, and what is no number is refused', () => {
  expect([undefined, 0, -1, 1.5, 500, 1e9, Number.POSITIVE_INFINITY].map((limit) => pageLimit({ limit }))).toEqual([
    50, 1, 1, 1, 500, 500, 500,
  ]);
  for (const limit of [Number.NaN, '5' as unknown as number])
    expect(() => pageLimit({ limit })).toThrow(ValidationFailedError);
});
