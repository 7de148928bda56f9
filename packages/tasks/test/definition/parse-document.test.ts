import { expect, test } from 'vitest';
import { checkDocument } from '../../src/definition/check-document.ts';
import { parseDocument } from '../../src/definition/parse-document.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../../src/errors.ts';
import { measure } from '../operations.ts';

const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });
const cyclic: Record<string, unknown> = {};
cyclic.self = cyclic;

test.each<[string, string | object, string]>([
  ['a reference to a file', { components: { schemas: { X: { $ref: '/etc/passwd' } } } }, '/components/schemas/X/$ref'],
  ['a reference to a URL', { a: [{ $ref: 'http://169.254.169.254/latest' }] }, '/a/0/$ref'],
  ['a relative reference', '{"$ref": "other.yaml#/x"}', '/$ref'],
  ['a dynamic reference', { $dynamicRef: 'https://example.org/x' }, '/$dynamicRef'],
  ['$async', { a: { $async: true } }, '/a/$async'],
  ['$data', { a: { maximum: { $data: '1/x' } } }, '/a/maximum/$data'],
  ['__proto__', '{"a": {"__proto__": {"polluted": 1}}}', '/a/__proto__'],
  ['constructor in YAML', 'a:\n  constructor: 1', '/a/constructor'],
  ['an own __proto__ in YAML', 'a:\n  __proto__: 1', '/a/__proto__'],
  ['too much depth', nested(70), '/a'.repeat(65)],
  ['a cycle', cyclic, '/self'.repeat(40)],
  ['a cyclic anchor', 'a: &a\n  b: *a', ''],
  [
    'a YAML bomb',
    `a: &a [x,x,x,x,x,x,x,x,x]\n${[...'bcdefghi'].map((name, n) => `${name}: &${name} [${Array(9).fill(`*${'abcdefgh'[n]}`).join(',')}]`).join('\n')}`,
    '',
  ],
  ['YAML keys given twice', 'a: 1\nb: 2\na: 3', ''],
  ['a YAML key given twice in two spellings', '{1: a, "1": b}', ''],
  ['a YAML key that is no text', '? [a]\n: 1', ''],
  ['a thousand YAML aliases', `a: &a x\nb: [${Array(1000).fill('*a').join(',')}]`, ''],
  ['two YAML documents', 'a: 1\n---\nb: 1', ''],
  ['more than 256 kB of YAML', `a: ${'x'.repeat(256 * 1024)}`, ''],
  ['YAML nested without end', '['.repeat(250_000), ''],
  ['YAML wrong without end', '}'.repeat(250_000), ''],
  ['more than 5 MB of text', `{"a": "${'x'.repeat(5 * 1024 * 1024)}"}`, ''],
  ['more than 5 MB', { a: 'x'.repeat(5 * 1024 * 1024) }, ''],
  ['too many values', { a: Array(600_000).fill(0) }, ''],
  ['neither JSON nor YAML', '{"a": [}', ''],
  ['a list', [], ''],
  ['a scalar', 'hello', ''],
  ['a number that is none', { a: Number.NaN }, '/a'],
  ['a date', { a: new Date() }, '/a'],
  ['a function', { a: () => 1 }, '/a'],
  ['U+0000', { a: 'x\0' }, '/a'],
])('%s is refused with its place', (_, document, pointer) => {
  const parse = () => parseDocument(document);
  expect(parse).toThrow(TaskDocumentRefusedError);
  try {
    parse();
  } catch (error) {
    expect((error as TaskDocumentRefusedError).pointer.startsWith(pointer.slice(0, 150))).toBe(true);
  }
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test('a good document comes through as a copy of its own, key by key, whether JSON or YAML', () => {
  const document = {
    openapi: '3.1.0',
    info: { z: 1, a: null },
    list: [{ $ref: '#/x' }, true, 1.5],
    properties: { $ref: { type: 'string' } },
  };
  const parsed = parseDocument(document);
  expect(JSON.stringify(parsed)).toBe(JSON.stringify(document));
  expect(parsed).not.toBe(document);
  expect(parsed.info).not.toBe(document.info);
  expect(JSON.stringify(parseDocument(JSON.stringify(document)))).toBe(JSON.stringify(document));
  expect(parseDocument('openapi: "3.1.0"\ninfo: {z: 1, a: ~}')).toEqual({ openapi: '3.1.0', info: { z: 1, a: null } });
  expect(parseDocument('# a comment\n{openapi: 3.1.0}')).toEqual({ openapi: '3.1.0' });
});

test('YAML with twenty thousand keys in one map is read in seconds', () => {
  const yaml = Array.from({ length: 20_000 }, (_, key) => `k${key}: 1`).join('\n');
  expect(Object.keys(parseDocument(yaml))).toHaveLength(20_000);
}, 10_000);

test('a document refused as too long in YAML may be read as JSON', () => {
  const document = { a: 'x'.repeat(300_000) };
  expect(() => parseDocument(`a: ${document.a}`)).toThrow(/JSON/);
  expect(parseDocument(JSON.stringify(document))).toEqual(document);
});

test('checking a document follows no reference out of it, even where one got past the gate', async () => {
  const schemas = { Request: { $ref: '/no/such/file' }, Response: { $ref: 'http://127.0.0.1:1/x' } };
  const checked = checkDocument({ ...measure.document, components: { schemas: { ...schemas, Error: {} } } });
  await expect(checked).rejects.toThrow(/nothing where this reference leads/);
});

test.each<[string, object, RegExp]>([
  ['Swagger 2.0', { swagger: '2.0', info: { title: 'x', version: '1.0.0' }, paths: {} }, /3\.0\.x or 3\.1\.x/],
  ['OpenAPI 3.2', { openapi: '3.2.0' }, /3\.2\.0/],
  ['a number for a version', { openapi: 3.1 }, /got openapi 3\.1/],
  ['no info', { openapi: '3.1.0', paths: {} }, /info/],
  [
    'a misspelled member',
    { openapi: '3.0.3', info: { title: 'x', version: '1' }, paths: { '/x': { pots: {} } } },
    /pots/,
  ],
  ['a reference to nothing', { ...measure.document, components: {} }, /./],
  ['another dialect', { ...measure.document, jsonSchemaDialect: 'http://json-schema.org/draft-04/schema#' }, /2020-12/],
])('%s is not a valid document', async (_, document, message) => {
  const checked = checkDocument(parseDocument(document));
  await expect(checked).rejects.toThrow(TaskDocumentInvalidError);
  await expect(checked).rejects.toThrow(message);
});
