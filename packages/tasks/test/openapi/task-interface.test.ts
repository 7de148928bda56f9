import { compileSchema, type JsonObject } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { checkDocument } from '../../src/definition/check-document.ts';
import { interfaceDigest } from '../../src/definition/interface-digest.ts';
import { parseDocument } from '../../src/definition/parse-document.ts';
import { TaskDocumentInvalidError } from '../../src/errors.ts';
import { listFilePlaces, replacePlaces } from '../../src/openapi/file-places.ts';
import { createTaskInterface } from '../../src/openapi/task-interface.ts';
import { findTaskOperations } from '../../src/openapi/task-operations.ts';
import { toJsonSchema } from '../../src/openapi/to-json-schema.ts';

/** As a service in Python would publish it: 3.0, YAML, everything by reference, a cycle. */
const DOCKING = `
openapi: 3.0.3
info: { title: Docking, version: 1.0.0, x-mad: { taskKey: dock } }
servers: [{ url: http://169.254.169.254 }]
paths:
  /v1/run:
    post:
      operationId: execute
      requestBody: { $ref: '#/components/requestBodies/Run' }
      responses:
        '200': { $ref: '#/components/responses/Done' }
        '422': { description: no }
  /v1/runs/{execution_id}:
    parameters: [{ name: execution_id, in: path, required: true, schema: { type: string } }]
    get: { operationId: getExecution, responses: { '200': { description: state } } }
    delete: { responses: { '200': { description: canceled } } }
  /v1/other:
    post: { responses: { '200': { description: x } } }
components:
  requestBodies:
    Run: { required: true, content: { application/json: { schema: { $ref: '#/components/schemas/Run' } } } }
  responses:
    Done: { description: poses, content: { 'application/json; charset=utf-8': { schema: { $ref: '#/components/schemas/Poses' } } } }
  schemas:
    Run:
      type: object
      required: [receptor, ligands]
      properties:
        receptor: { type: string, format: binary, example: ATOM }
        ligands: { type: array, items: { $ref: '#/components/schemas/Ligand' } }
        size: { type: number, minimum: 0, exclusiveMinimum: true, maximum: 100, exclusiveMaximum: false }
        mode: { type: string, enum: [fast, slow], nullable: true }
        label: { nullable: true, allOf: [{ $ref: '#/components/schemas/Label' }] }
        exhaustiveness: { type: integer, default: 8 }
        options: { $ref: '#/components/schemas/Run/properties/size', description: 'siblings of a reference mean nothing in 3.0' }
        threads: { type: integer, x-mad-cache: ignore, xml: { name: t } }
        tuning: { type: object, properties: { 'a/b': { type: integer, x-mad-cache: ignore } } }
    Ligand:
      type: object
      properties: { smiles: { type: string }, file: { type: string, format: binary }, parts: { type: array, items: { $ref: '#/components/schemas/Ligand' } } }
    Label: { type: string, maxLength: 3 }
    Poses: { type: object, required: [poses], properties: { poses: { type: array, items: { type: object } } } }
`;

const document = parseDocument(DOCKING);
const run = createTaskInterface(document);
const reference = { $artifact: '0'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 4 };

test('a document of 3.0 with references everywhere is valid, and its servers do not matter', async () => {
  await checkDocument(document);
  expect(run.execution).toMatchObject({
    status: { operation: { path: '/v1/runs/{execution_id}' } },
    cancel: { operation: { method: 'delete' } },
  });
  expect(run.execute.operation).toMatchObject({ id: 'execute', method: 'post', path: '/v1/run' });
});

test('its schema shows its properties at the first level and holds all it refers to', () => {
  expect(run.requestSchema).toMatchObject({
    type: 'object',
    required: ['receptor', 'ligands'],
    properties: { exhaustiveness: { default: 8 }, receptor: { examples: ['ATOM'] } },
    $defs: { Ligand: { properties: { parts: { items: { $ref: '#/$defs/Ligand' } } } } },
  });
  expect(JSON.stringify(run.requestSchema)).not.toMatch(/components\/|nullable|"xml"/);
});

test.each<[string, JsonObject, string | undefined]>([
  [
    'references for files',
    { receptor: reference, ligands: [{ file: reference, parts: [{ file: reference }] }] },
    undefined,
  ],
  ['text for files', { receptor: 'ATOM', ligands: [] }, undefined],
  ['null where nullable', { receptor: 'ATOM', ligands: [], mode: null, label: null }, undefined],
  ['null where not', { receptor: 'ATOM', ligands: [], size: null }, '/size'],
  ['an excluded minimum', { receptor: 'ATOM', ligands: [], size: 0 }, '/size'],
  ['an included maximum', { receptor: 'ATOM', ligands: [], size: 100 }, undefined],
  ['a value beyond an enum', { receptor: 'ATOM', ligands: [], mode: 'odd' }, '/mode'],
  ['a label too long', { receptor: 'ATOM', ligands: [], label: 'long' }, '/label'],
  ['a fault behind a reference into a schema', { receptor: 'ATOM', ligands: [], options: 'x' }, '/options'],
  ['a fault deep in a cycle', { receptor: 'ATOM', ligands: [{ parts: [{ smiles: 1 }] }] }, '/ligands/0/parts/0/smiles'],
  ['a reference where no file is taken', { receptor: 'ATOM', ligands: [{ smiles: reference }] }, '/ligands/0/smiles'],
  ['a reference with something beside it', { receptor: { ...reference, more: 1 }, ligands: [] }, '/receptor'],
])('%s', (_, request, pointer) => {
  const issues = run.checkRequest(request);
  if (pointer === undefined) expect(issues).toEqual([]);
  else expect(issues.map((issue) => issue.pointer)).toContain(pointer);
});

test('defaults fill what is absent', () => {
  expect(run.applyDefaults({ receptor: 'ATOM', ligands: [] })).toEqual({
    receptor: 'ATOM',
    ligands: [],
    exhaustiveness: 8,
  });
});

test('properties marked for it stay out of cache keys', () => {
  expect(run.ignoredPointers).toEqual(['/threads', '/tuning/a~1b']);
});

test('files are found wherever the schema puts them, and replaced there alone', () => {
  const request = { receptor: 'ATOM', ligands: [{ smiles: 'C', file: 'a' }, { parts: [{ file: 'b' }] }] };
  const places = listFilePlaces(run.requestSchema, request);
  expect(places.map(({ path, value }) => [path.join('/'), value])).toEqual([
    ['receptor', 'ATOM'],
    ['ligands/0/file', 'a'],
    ['ligands/1/parts/0/file', 'b'],
  ]);
  const replaced = replacePlaces(
    request,
    places.map(({ path }) => ({ path, value: 'x' })),
  );
  expect(replaced).toEqual({ receptor: 'x', ligands: [{ smiles: 'C', file: 'x' }, { parts: [{ file: 'x' }] }] });
  expect(request.receptor).toBe('ATOM');
});

test('the member of a union that the value names decides where its files are', () => {
  const file = { type: 'string', contentMediaType: 'chemical/x-pdb', contentEncoding: 'base64' };
  const member = (kind: string, data: JsonObject) => ({ type: 'object', properties: { kind: { const: kind }, data } });
  const schema = { oneOf: [member('file', file), member('text', { type: 'string' })] };
  expect(listFilePlaces(schema, { kind: 'text', data: 'x' })).toEqual([]);
  expect(listFilePlaces(schema, { kind: 'file', data: 'x' })).toEqual([
    { path: ['data'], contentType: 'chemical/x-pdb', base64: true, byAddress: false, value: 'x' },
  ]);
});

test('schemas of 3.1 keep their meaning, references beside other keywords too', () => {
  const schema = {
    $ref: '#/components/schemas/A',
    description: 'd',
    minLength: 2,
    nullable: true,
    $id: 'https://example.org/x',
  };
  const converted = toJsonSchema(
    { openapi: '3.1.0', components: { schemas: { A: { type: ['string', 'null'] } } } },
    schema,
  );
  expect(converted).toEqual({
    $ref: '#/$defs/A',
    description: 'd',
    minLength: 2,
    $defs: { A: { type: ['string', 'null'] } },
  });
});

test('the digest is that of the content, however it is ordered or spelled', () => {
  const reordered = Object.fromEntries(Object.entries(document).reverse());
  expect(interfaceDigest(reordered)).toBe(interfaceDigest(document));
  expect(interfaceDigest({ ...document, tags: [] })).not.toBe(interfaceDigest(document));
});

const json = (schema: JsonObject) => ({ description: '', content: { 'application/json': { schema } } });
const object = { type: 'object' };
const post = { requestBody: json(object), responses: { 200: json(object) } };
const documentOf = (paths: JsonObject, extension: JsonObject = {}): JsonObject => ({
  openapi: '3.1.0',
  info: { title: 't', version: '1.0.0', 'x-mad': extension },
  paths,
});

describe('a document without a task', () => {
  test.each<[string, JsonObject, RegExp]>([
    ['no operation', {}, /0 operations/],
    ['two POSTs, none of them named', { '/a': { post }, '/b': { post } }, /2 operations/],
    ['a path that names no parameter', { '/a/{id}': { post } }, /\{id\}/],
    ['no success', { '/a': { post: { ...post, responses: { 202: json(object) } } } }, /response 200/],
    ['a circle of references', { '/a': { $ref: '#/paths/~1a' } }, /circle/],
  ])('%s', (_, paths, message) => {
    const find = () => findTaskOperations(documentOf(paths));
    expect(find).toThrow(TaskDocumentInvalidError);
    expect(find).toThrow(message);
  });

  test('a name that is none of its operations', () => {
    const find = () => findTaskOperations(documentOf({ '/a': { post } }, { operation: 'get /a' }));
    expect(find).toThrow(/no operation get \/a/);
  });
});

test('any operation can be the task where the document names it', () => {
  const parameters = [{ name: 'id', in: 'path', required: true, schema: { type: 'integer' } }];
  const paths = {
    '/a': { post },
    '/b/{id}': {
      parameters,
      get: { operationId: 'getB', parameters: [{ name: 'q', in: 'query' }], responses: post.responses },
    },
  };
  for (const operation of ['getB', 'get /b/{id}']) {
    const { execute, requestSchema } = createTaskInterface(documentOf(paths, { operation }));
    expect(execute.operation.id).toBe('getB');
    expect(requestSchema).toMatchObject({ properties: { id: { type: 'integer' }, q: {} }, required: ['id'] });
  }
});

test('a response that is no JSON object is given as body', () => {
  const responseOf = (answer: JsonObject) =>
    createTaskInterface(documentOf({ '/a': { post: { responses: { 200: answer } } } })).responseSchema;
  expect(responseOf(json({ type: 'array' }))).toMatchObject({ properties: { body: { type: 'array' } } });
  expect(responseOf({ description: '', content: { 'image/png': {} } })).toMatchObject({
    properties: { body: { contentMediaType: 'image/png', contentEncoding: 'base64' } },
  });
  expect(responseOf({ description: '' })).toEqual({ type: 'object', additionalProperties: false });
});

test('what only the other side sends need not be there', () => {
  const schema = {
    type: 'object',
    properties: { id: { $ref: '#/components/schemas/Id' }, secret: { type: 'string', writeOnly: true }, name: {} },
    required: ['id', 'secret', 'name'],
  };
  const given = { openapi: '3.1.0', components: { schemas: { Id: { type: 'string', readOnly: true } } } };
  expect(toJsonSchema(given, schema, 'request')).toMatchObject({ required: ['secret', 'name'] });
  expect(toJsonSchema(given, schema, 'answer')).toMatchObject({ required: ['id', 'name'] });
});

test.each<[string, JsonObject | undefined, JsonObject, boolean]>([
  ['its schema by its name', undefined, { kind: 'Vina', score: 1 }, true],
  ['another schema', undefined, { kind: 'Smina', score: 1 }, false],
  ['no schema', undefined, { kind: 'vina', score: 1 }, false],
  ['a name of the mapping', { vina: '#/components/schemas/Vina' }, { kind: 'vina', score: 1 }, true],
  ['a mapping by the name of a schema', { v: 'Vina' }, { kind: 'v', score: 1 }, true],
  ['a name that the mapping replaced', { vina: 'Vina' }, { kind: 'Vina', score: 1 }, false],
])('the property of a discriminator names %s', (...[, mapping, value, fits]) => {
  const member = (property: string) => ({
    type: 'object',
    properties: { kind: {}, [property]: { type: 'number' } },
    required: [property],
  });
  const schema = {
    oneOf: [{ $ref: '#/components/schemas/Vina' }, { $ref: '#/components/schemas/Smina' }],
    discriminator: { propertyName: 'kind', ...(mapping ? { mapping } : {}) },
  };
  const document = { openapi: '3.0.3', components: { schemas: { Vina: member('score'), Smina: member('energy') } } };
  expect(compileSchema(toJsonSchema(document, schema)).check(value).length === 0).toBe(fits);
});
