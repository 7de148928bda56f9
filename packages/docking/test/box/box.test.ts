import { boxAround, boxSchema, boxWarnings, InvalidLigandError, maxBoxEdge } from '@mad/docking';
import { describe, expect, test } from 'vitest';

const box = (size: number) => ({ center: { x: 0, y: 0, z: 0 }, size: { x: size, y: size, z: size } });

describe('boxSchema', () => {
  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, maxBoxEdge + 1])('an edge of %d Å is refused', (size) => {
    expect(boxSchema.safeParse(box(size)).success).toBe(false);
  });

  test('a center that is no number is refused', () => {
    expect(boxSchema.safeParse({ ...box(20), center: { x: Number.NaN, y: 0, z: 0 } }).success).toBe(false);
  });

  test('a box of 20 Å is accepted', () => {
    expect(boxSchema.parse(box(20))).toEqual(box(20));
  });
});

test('a box past 27,000 Å³ carries a warning, one of exactly that volume does not', () => {
  expect(boxWarnings(box(30))).toEqual([]);
  expect(boxWarnings(box(31))).toEqual([expect.stringContaining('29791 Å³')]);
});

describe('boxAround', () => {
  test('the box holds all points with the padding on every side', () => {
    const points = [
      { x: -1, y: 0, z: 2 },
      { x: 3, y: 1, z: 2 },
    ];
    expect(boxAround(points, { padding: 5 })).toEqual({
      center: { x: 1, y: 0.5, z: 2 },
      size: { x: 14, y: 11, z: 10 },
    });
  });

  test('no points make no box', () => {
    expect(() => boxAround([], { padding: 5 })).toThrow(InvalidLigandError);
  });
});
