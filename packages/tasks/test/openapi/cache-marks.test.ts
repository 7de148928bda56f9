import type { JsonObject } from '@mad/core';
import { expect, test } from 'vitest';
import { TaskDocumentInvalidError } from '../../src/index.ts';
import { readAnswerMarks, readCacheMarks } from '../../src/openapi/cache-marks.ts';

const ignore = { type: 'integer', 'x-mad-cache': 'ignore' };
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });
const seedOf = (seed: JsonObject) => readCacheMarks(object({ seed: { 'x-mad-cache': 'seed', ...seed } })).seed;

test('what is ignored is named by its place, in every item of an array too', () => {
  const schema = {
    ...object({
      cpu: ignore,
      'a/b': object({ '~': ignore, kept: { type: 'integer' } }),
      boxes: { type: 'array', items: object({ label: { type: 'string', 'x-mad-cache': 'ignore' } }) },
      shared: { $ref: '#/$defs/shared' },
      // Which of them holds depends on the value: passed over.
      either: { oneOf: [object({ cpu: ignore }), { type: 'null' }] },
      pair: { type: 'array', prefixItems: [{ type: 'integer' }], items: ignore },
    }),
    allOf: [object({ threads: ignore })],
    $defs: { shared: object({ log: ignore }) },
  };
  const places = ['/a~1b/~0', '/boxes/-/label', '/cpu', '/shared/log', '/threads'];
  expect(readCacheMarks(schema).ignoredPointers).toEqual(places);
  expect(readAnswerMarks(schema)).toEqual(places);
});

test('a text whose spelling does not matter is known by its content type', () => {
  expect(
    readCacheMarks(
      object({
        receptor: { type: 'string', contentMediaType: 'chemical/x-pdb' },
        smiles: { type: 'string', 'x-mad-normalize': 'smiles' },
        ligands: { type: 'array', items: { type: 'string', contentMediaType: 'chemical/x-daylight-smiles' } },
        encoded: { type: 'string', contentMediaType: 'chemical/x-pdb', contentEncoding: 'base64' },
        address: { type: 'string', contentMediaType: 'chemical/x-pdb', format: 'uri' },
        ignored: { type: 'string', contentMediaType: 'chemical/x-pdb', 'x-mad-cache': 'ignore' },
      }),
    ).contentTypes,
  ).toEqual({
    '/receptor': 'chemical/x-pdb',
    '/smiles': 'chemical/x-daylight-smiles',
    '/ligands/-': 'chemical/x-daylight-smiles',
  });
});

test.each<[JsonObject, number, number]>([
  [{ type: 'integer' }, 0, 2_147_483_647],
  [{ type: ['integer', 'null'], minimum: 1 }, 1, 2_147_483_647],
  [{ type: 'integer', exclusiveMinimum: 0, exclusiveMaximum: 10 }, 1, 9],
  [{ type: 'integer', minimum: -5.5, maximum: 5.5 }, -5, 5],
  [{ type: 'integer', maximum: -3 }, -3, -3],
  [{ type: 'integer', minimum: 4_000_000_000 }, 4_000_000_000, 4_000_000_000],
])('the bounds of a seed %j', (schema, minimum, maximum) => {
  expect(seedOf(schema)).toEqual({ pointer: '/seed', minimum, maximum });
});

test.each<[string, () => unknown, RegExp]>([
  [
    'an unknown mark',
    () => readCacheMarks(object({ a: { 'x-mad-cache': 'ignored' } })),
    /x-mad-cache: expected ignore or seed, got "ignored"/,
  ],
  ['one in an alternative', () => readCacheMarks({ anyOf: [object({ a: { 'x-mad-cache': true } })] }), /got true/],
  [
    'a seed in an answer',
    () => readAnswerMarks(object({ a: { 'x-mad-cache': 'seed' } })),
    /expected ignore, got "seed"/,
  ],
  [
    'an unknown form',
    () => readCacheMarks(object({ a: { 'x-mad-normalize': 'inchi' } })),
    /x-mad-normalize: expected smiles/,
  ],
  [
    'two seeds',
    () =>
      readCacheMarks(
        object({ a: { type: 'integer', 'x-mad-cache': 'seed' }, b: { type: 'integer', 'x-mad-cache': 'seed' } }),
      ),
    /\/a and \/b are both/,
  ],
  ['a seed that is text', () => seedOf({ type: 'string' }), /type integer/],
  ['a seed of some values', () => seedOf({ type: 'integer', enum: [1, 2] }), /without enum/],
  ['a seed without room', () => seedOf({ type: 'integer', minimum: 2, maximum: 1 }), /no whole number/],
])('%s is refused', (_what, read, message) => {
  expect(read).toThrow(TaskDocumentInvalidError);
  expect(read).toThrow(message);
});
