import { expect, test } from 'vitest';
import { canonicalJson } from '../../src/index.ts';

test.each([
  [0, '0'],
  [-0, '0'],
  [20.0, '20'],
  [1e-7, '1e-7'],
  [0.000001, '0.000001'],
  [333333333.3333333, '333333333.3333333'],
  [5e-324, '5e-324'],
  [4.5, '4.5'],
  [2e-3, '0.002'],
  [0.000000000000000000000000001, '1e-27'],
])('number %d is spelled %s', (value, text) => {
  expect(canonicalJson(value)).toBe(text);
});

test('strings escape only what JSON must', () => {
  expect(canonicalJson('€$\u000f\nA\'B"\\\\"/')).toBe('"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
});

test('keys are ordered by UTF-16 code units', () => {
  const value = { '€': 1, '\r': 2, '\ufb33': 3, '1': 4, '😀': 5, '\u0080': 6, ö: 7 };
  expect(Object.keys(JSON.parse(canonicalJson(value)) as object)).toEqual([
    '1',
    '\r',
    '\u0080',
    'ö',
    '€',
    '😀',
    '\ufb33',
  ]);
});

test('equal values have one text whatever their key order, and any single change gives another', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const random = generator(seed);
    const value = anyObject(random, 4);
    const text = canonicalJson(value);
    expect(canonicalJson(shuffled(value, random))).toBe(text);
    expect(canonicalJson(JSON.parse(text))).toBe(text);
    expect(canonicalJson(changed(value, random))).not.toBe(text);
  }
});

type Json = null | boolean | number | string | Json[] | { [key: string]: Json };

/** A linear congruential generator: the same values on every run. */
function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

function anyObject(random: () => number, depth: number): { [key: string]: Json } {
  const size = 1 + Math.floor(random() * 5);
  return Object.fromEntries(
    Array.from({ length: size }, (_, i) => [`${'aZé€'[Math.floor(random() * 4)]}${i}`, anyValue(random, depth - 1)]),
  );
}

function anyValue(random: () => number, depth: number): Json {
  const kind = Math.floor(random() * (depth > 0 ? 6 : 4));
  if (kind === 0) return null;
  if (kind === 1) return random() < 0.5;
  if (kind === 2) return Math.round((random() - 0.5) * 1e6) / 10 ** Math.floor(random() * 6);
  if (kind === 3) return `s${Math.floor(random() * 1e6)}\n"é`;
  if (kind === 4) return Array.from({ length: Math.floor(random() * 4) }, () => anyValue(random, depth - 1));
  return anyObject(random, depth);
}

function shuffled(value: Json, random: () => number): Json {
  if (Array.isArray(value)) return value.map((item) => shuffled(item, random));
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).map(([key, item]) => ({ key, item: shuffled(item, random), order: random() }));
  return Object.fromEntries(entries.sort((a, b) => a.order - b.order).map(({ key, item }) => [key, item]));
}

function changed(value: Json, random: () => number): Json {
  if (Array.isArray(value))
    return value.length > 0 && random() < 0.5
      ? value.map((item, i) => (i === 0 ? changed(item, random) : item))
      : [...value, null];
  if (typeof value === 'number') return value + 1;
  if (typeof value === 'string') return `${value} `;
  if (typeof value === 'boolean') return !value;
  if (value === null) return 0;
  const keys = Object.keys(value);
  const key = keys[Math.floor(random() * keys.length)] ?? 'new';
  return { ...value, [key]: changed(value[key] ?? null, random) };
}
