import type { ComputeTime, JsonObject } from '@mad/core';
import { expect, test } from 'vitest';
import { expectTime, remainingOf, sumInputBytes } from '../../src/explain/expected-time.ts';

let seed = 0;
/** Samples that differ in their seeds; `ms` each. */
const times = (count: number, parameters: JsonObject, { ms = 1_000, bytes = 1_000 } = {}): ComputeTime[] =>
  Array.from({ length: count }, () => ({
    compute_ms: ms,
    input_bytes: bytes,
    parameters: { seed: ++seed, ...parameters },
  }));

test('what was never computed takes nobody knows how long', () => {
  expect(expectTime([], { request: {}, inputBytes: 0 })).toBeUndefined();
});

test('what names the case is no criterion; what says how much work it is, is', () => {
  const samples = [...times(20, { exhaustiveness: 8 }), ...times(20, { exhaustiveness: 32 }, { ms: 4_000 })];
  const wanted = (exhaustiveness: number) => ({ request: { seed: -1, exhaustiveness }, inputBytes: 1_000 });
  const basis = ['input bytes', '/exhaustiveness'];
  expect(expectTime(samples, wanted(8))).toEqual({ p50: 1, p95: 1, samples: 20, basis });
  expect(expectTime(samples, wanted(32))).toEqual({ p50: 4, p95: 4, samples: 20, basis });
});

test('files of about the same size count, as long as there are enough', () => {
  const samples = [...times(6, {}, { bytes: 1_000 }), ...times(6, {}, { ms: 9_000, bytes: 5_000 })];
  expect(expectTime(samples, { request: { seed: -1 }, inputBytes: 4_000 })).toMatchObject({ p50: 9, samples: 6 });
  expect(expectTime(samples, { request: { seed: -1 }, inputBytes: 2_400 })).toMatchObject({
    p50: 1,
    samples: 12,
    basis: [],
  });
  expect(expectTime(samples, { request: { seed: -1 }, inputBytes: null })).toMatchObject({ samples: 12, basis: [] });
});

test('fewer than five in all are told as they are', () => {
  const samples = [...times(2, {}, { ms: 1_000 }), ...times(1, {}, { ms: 3_000 })];
  expect(expectTime(samples, { request: { mode: 'x' }, inputBytes: 0 })).toEqual({
    p50: 1,
    p95: 3,
    samples: 3,
    basis: [],
  });
});

test('one in twenty takes longer than the 95th percentile', () => {
  const samples = Array.from(
    { length: 100 },
    (_, index) => times(1, {}, { ms: (index + 1) * 1_000 })[0] as ComputeTime,
  );
  expect(expectTime(samples, { request: {}, inputBytes: null })).toMatchObject({ p50: 50, p95: 95, samples: 100 });
});

test('what is left of a time is not below zero, and told to the millisecond', () => {
  expect(remainingOf({ p50: 2, p95: 3.3 }, 2.1004)).toEqual({ p50: 0, p95: 1.2 });
});

test('a file that is named twice is counted once', () => {
  const file = { $artifact: 'a'.repeat(64), contentType: 'text/plain', sizeBytes: 10 };
  expect(sumInputBytes({ a: file, b: [file, { ...file, $artifact: 'b'.repeat(64) }] })).toBe(20);
});
