import type { JsonObject } from '@mad/core';
import { ValidationFailedError } from '@mad/core';
import { expect, test } from 'vitest';
import { checkDocument } from '../../src/definition/check-document.ts';
import { parseDocument } from '../../src/definition/parse-document.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../../src/errors.ts';
import { listFilePlaces } from '../../src/openapi/file-places.ts';
import { createTaskInterface } from '../../src/openapi/task-interface.ts';

const to = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });
const json = (schema: JsonObject): JsonObject => ({ description: '', content: { 'application/json': { schema } } });
const fromEach = (count: number, entry: (index: number) => [string, JsonObject]): JsonObject =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => entry(index)));

/** A task whose request is the schema A0. */
const documentOf = (schemas: JsonObject): JsonObject => ({
  openapi: '3.1.0',
  info: { title: 'x', version: '1.0.0' },
  paths: { '/execute': { post: { requestBody: json(to('A0')), responses: { 200: json({ type: 'object' }) } } } },
  components: { schemas },
});

/** All that a registration does with a document, short of the database. */
async function read(document: JsonObject): Promise<void> {
  const parsed = parseDocument(document);
  await checkDocument(parsed);
  createTaskInterface(parsed).checkRequest({});
}

const doubling = (combine: (next: JsonObject) => JsonObject): JsonObject => ({
  ...fromEach(30, (a) => [`A${a}`, { type: 'object', ...combine(to(`A${a + 1}`)) }]),
  A30: { type: 'object' },
});

// Each of these once took minutes, or ended in a RangeError; a machine under load gets some seconds for it.
const SECONDS = 10_000;

test.each<[string, JsonObject]>([
  ['a schema that refers to itself a hundred times', { A0: object(fromEach(100, (p) => [`p${p}`, to('A0')])) }],
  [
    'thirty schemas that all refer to each other',
    fromEach(30, (a) => [`A${a}`, object(fromEach(30, (p) => [`p${p}`, to(`A${p}`)]))]),
  ],
  [
    'a marked schema that refers to itself eight times',
    { A0: object({ cpu: { type: 'integer', 'x-mad-cache': 'ignore' }, ...fromEach(8, (p) => [`p${p}`, to('A0')]) }) },
  ],
  ['a schema whose properties double at every level', doubling((next) => ({ properties: { p: next, q: next } }))],
])(
  '%s is read',
  async (_, schemas) => {
    await read(documentOf(schemas));
  },
  SECONDS,
);

test.each<[string, JsonObject]>([
  [
    'thirty schemas that all refer to each other, with a mark',
    fromEach(30, (a) => [
      `A${a}`,
      object({
        cpu: { type: 'integer', 'x-mad-cache': 'ignore' },
        ...fromEach(30, (p) => [`p${p}`, to(`A${p}`)]),
      }),
    ]),
  ],
  ['allOf that doubles at every level', doubling((next) => ({ allOf: [next, next] }))],
  ['oneOf that doubles at every level', doubling((next) => ({ oneOf: [next, next] }))],
  ['if and else that double at every level', doubling((next) => ({ if: next, else: next }))],
  [
    'a chain of a thousand allOf',
    {
      ...fromEach(1000, (a) => [`A${a}`, { type: 'object', allOf: [to(`A${a + 1}`)] }]),
      A1000: { type: 'object' },
    },
  ],
  ['twenty thousand schemas', { A0: object(fromEach(20_000, (p) => [`p${p}`, { type: 'string' }])) }],
])(
  '%s: refused',
  async (_, schemas) => {
    const reading = read(documentOf(schemas));
    await expect(reading).rejects.toThrow(TaskDocumentRefusedError);
    await expect(reading).rejects.toThrow(/more than \d+/);
  },
  SECONDS,
);

test.each<[string, JsonObject]>([
  ['two allOf', { A0: { type: 'object', allOf: [to('A1')] }, A1: { allOf: [to('A0')] } }],
  ['references alone', { A0: { type: 'object', allOf: [to('A1')] }, A1: to('A2'), A2: to('A1') }],
  [
    'a parent that lists its children',
    { A0: { type: 'object', oneOf: [to('A1')] }, A1: { type: 'object', allOf: [to('A0')] } },
  ],
  ['not', { A0: { type: 'object', not: to('A0') } }],
  ['dependentSchemas', { A0: { type: 'object', dependentSchemas: { a: to('A0') } } }],
  ['else', { A0: object({ p: to('A1') }), A1: { if: { minLength: 1 }, else: to('A1') } }],
])('a circle of %s that never comes to a property is not valid', async (_, schemas) => {
  const reading = read(documentOf(schemas));
  await expect(reading).rejects.toThrow(TaskDocumentInvalidError);
  await expect(reading).rejects.toThrow(/\/components\/schemas\/A\d.*circle/);
});

test('a schema that refers to itself from its properties and items is no circle', async () => {
  await read(
    documentOf({
      A0: {
        ...object({ left: to('A0'), list: { type: 'array', items: to('A0') } }),
        allOf: [object({ right: to('A0') })],
      },
    }),
  );
});

test.each(['pattern', 'patternProperties'])('a %s that backtracks without end is not accepted', async (keyword) => {
  const hostile = '^(a+)+$';
  const schema =
    keyword === 'pattern' ? { type: 'string', pattern: hostile } : { patternProperties: { [hostile]: {} } };
  const reading = read(documentOf({ A0: object({ name: schema }) }));
  await expect(reading).rejects.toThrow(ValidationFailedError);
  await expect(reading).rejects.toThrow(/\/properties\/name\/pattern/);
});

test(
  'places of files are listed once however many branches lead there',
  () => {
    const branch = { properties: { next: { $ref: '#/$defs/Node' }, file: { type: 'string', format: 'binary' } } };
    const schema = { $ref: '#/$defs/Node', $defs: { Node: { anyOf: [branch, structuredClone(branch)] } } };
    let value: JsonObject = { file: 'x' };
    for (let depth = 0; depth < 40; depth++) value = { next: value };
    expect(listFilePlaces(schema, value)).toHaveLength(1);
  },
  SECONDS,
);
