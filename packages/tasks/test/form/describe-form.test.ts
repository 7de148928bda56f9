import { readdirSync, readFileSync } from 'node:fs';
import { compileSchema, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { parseDocument } from '../../src/definition/parse-document.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../../src/errors.ts';
import { describeForm } from '../../src/form/describe-form.ts';
import { listFieldOrder } from '../../src/form/field-order.ts';
import type { FormField } from '../../src/form/form.ts';
import { listApiOperations } from '../../src/openapi/api-operation.ts';
import { createOperationInterface } from '../../src/openapi/operation-interface.ts';
import { fillForm, listFields } from './fill-form.ts';

const FOLDER = new URL('../documents/', import.meta.url);
const names = readdirSync(FOLDER).filter((name) => /\.(?:json|ya?ml)$/.test(name));
const read = (name: string): string => readFileSync(new URL(name, FOLDER), 'utf8');

/** One property must be given, and no schema says which. */
const NEED_A_PERSON: Readonly<Record<string, readonly string[]>> = { 'statuses.yaml': ['changeLigand, required'] };

test.each(names)('what the forms of %s collect is accepted by their operations', (name) => {
  const document = parseDocument(read(name));
  const operations = listApiOperations(document);
  const unfit: string[] = [];
  // All but one document have a few.
  const some = operations.filter((_, index) => index % Math.ceil(operations.length / 30) === 0);
  for (const operation of some) {
    const { fields, schema } = describeForm(document, { operation: operation.id });
    const api = createOperationInterface(document, operation);
    for (const filling of ['required', 'all'] as const) {
      const request = api.applyDefaults(fillForm(fields, { filling }) as JsonObject);
      if (api.checkRequest(request).length > 0) unfit.push(`${operation.id}, ${filling}`);
      expect(compileSchema(schema).check(request)).toEqual(api.checkRequest(request));
    }
  }
  expect(unfit).toEqual(NEED_A_PERSON[name] ?? []);
});

/** The form of a task whose request has these properties. */
function formOf(request: JsonObject, schemas: JsonObject = {}, openapi = '3.1.0') {
  const json = (schema: JsonObject) => ({ description: '', content: { 'application/json': { schema } } });
  const post = { requestBody: json(request), responses: { 200: json({ type: 'object' }) } };
  return describeForm({
    openapi,
    info: { title: 'T', version: '1.0.0', description: 'D' },
    paths: { '/execute': { post } },
    components: { schemas },
  });
}

/** The one field of a request with one property, `value`. */
function fieldOf(schema: JsonObject, schemas: JsonObject = {}, openapi = '3.1.0'): FormField | undefined {
  return formOf({ type: 'object', properties: { value: schema } }, schemas, openapi).fields[0];
}

const to = (name: string): JsonObject => ({ $ref: `#/components/schemas/${name}` });

test.each<[string, JsonObject, object]>([
  ['text', { type: 'string', minLength: 1 }, { kind: 'text', limits: { minLength: 1 } }],
  ['an address', { type: 'string', format: 'uri' }, { kind: 'text', format: 'uri' }],
  ['long text', { type: 'string', maxLength: 2_000 }, { kind: 'longText' }],
  ['text said to be long', { type: 'string', 'x-multiline': true }, { kind: 'longText' }],
  ['a password', { type: 'string', format: 'password' }, { kind: 'text', secret: true }],
  ['what only goes in', { type: 'string', writeOnly: true }, { kind: 'text', secret: true }],
  [
    'a number',
    { type: 'number', minimum: 0, exclusiveMaximum: 1, multipleOf: 0.1 },
    { kind: 'number', limits: { minimum: 0, exclusiveMaximum: 1, step: 0.1 } },
  ],
  ['a unit', { type: 'number', 'x-unit': 'Å', description: 'in kcal/mol' }, { unit: 'Å' }],
  ['our unit before others', { type: 'number', 'x-unit': 'A', 'x-mad-unit': 'Å' }, { unit: 'Å' }],
  [
    'a deprecated, advanced one',
    { type: 'boolean', deprecated: true, 'x-advanced': true },
    { deprecated: true, advanced: true },
  ],
  [
    'a default and examples',
    { type: 'integer', default: 0, examples: [3] },
    { kind: 'integer', default: 0, examples: [3] },
  ],
  ['text or nothing', { type: ['string', 'null'] }, { kind: 'text', nullable: true }],
  [
    'nothing by an alternative',
    { anyOf: [{ type: 'integer' }, { type: 'null' }] },
    { kind: 'integer', nullable: true },
  ],
  [
    'null that a layer refuses',
    { type: 'string', allOf: [{ type: ['string', 'null'] }] },
    { kind: 'text', nullable: false },
  ],
  [
    'an enum',
    { enum: ['vinardo', 'ad4', 1.5] },
    { kind: 'choice', options: [{ label: 'vinardo' }, { label: 'ad4' }, { label: '1.5' }] },
  ],
  ['names of an enum', { enum: [1, 2], 'x-enumNames': ['One', 'Two'] }, { options: [{ value: 1, label: 'One' }, {}] }],
  [
    'titled constants',
    {
      oneOf: [
        { const: 'a', title: 'First', description: 'of two' },
        { const: 'b', title: 'Second' },
      ],
    },
    { kind: 'choice', options: [{ value: 'a', label: 'First', description: 'of two' }, { label: 'Second' }] },
  ],
  ['an enum with null', { enum: ['a', 'b', null] }, { kind: 'choice', nullable: true, options: [{}, {}] }],
  [
    'enums that overlap',
    { enum: ['a', 'b'], allOf: [{ enum: ['b', 'c', 'a'] }] },
    { options: [{ value: 'a' }, { value: 'b' }] },
  ],
  ['several of an enum', { type: 'array', items: { enum: ['a', 'b'] } }, { kind: 'choices', options: [{}, {}] }],
  ['more of an enum than it has', { type: 'array', minItems: 3, items: { enum: ['a', 'b'] } }, { kind: 'list' }],
  ['a constant', { const: 2 }, { kind: 'constant', value: 2 }],
  [
    'a file',
    { type: 'string', contentMediaType: 'chemical/x-pdb' },
    { kind: 'file', accept: ['chemical/x-pdb'], base64: false },
  ],
  [
    'files in base64',
    { type: 'array', items: { type: 'string', contentMediaType: 'image/png', contentEncoding: 'base64' } },
    { kind: 'files', accept: ['image/png'], base64: true },
  ],
  ['any file', { type: 'string', format: 'binary' }, { kind: 'file', accept: [] }],
  [
    'a list',
    { type: 'array', items: { type: 'number' }, maxItems: 3 },
    { kind: 'list', item: { kind: 'number', pointer: '/value/-' } },
  ],
  [
    'an array by place',
    { type: 'array', minItems: 1, prefixItems: [{ title: 'Low', type: 'number' }, { type: 'number' }] },
    {
      kind: 'tuple',
      fields: [
        { title: 'Low', required: true, pointer: '/value/0' },
        { title: 'Item 2', required: false },
      ],
    },
  ],
  ['a map', { type: 'object', additionalProperties: { type: 'number' } }, { kind: 'json' }],
  ['anything', {}, { kind: 'json' }],
  [
    'one of two types',
    { type: ['integer', 'string'] },
    { kind: 'variant', alternatives: [{ title: 'Whole number' }, { title: 'Text' }] },
  ],
  [
    'types that are none',
    { type: ['constructor', 'string', 3] },
    { kind: 'variant', alternatives: [{ title: 'constructor' }, { title: 'Text' }] },
  ],
  ['what no schema can be', { allOf: [{ type: 'string' }, { type: 'number' }] }, { kind: 'json' }],
])('%s', (_, schema, expected) => {
  expect(fieldOf(schema)).toMatchObject({
    pointer: '/value',
    name: 'value',
    title: 'Value',
    required: false,
    ...expected,
  });
});

test('limits of all layers hold at once, and those of every integer are none', () => {
  const layers = [{ minimum: 2, maximum: 9 }, { minimum: 3 }];
  expect(fieldOf({ type: 'integer', allOf: layers })?.limits).toEqual({ minimum: 3, maximum: 9 });
  const every = { minimum: Number.MIN_SAFE_INTEGER, maximum: Number.MAX_SAFE_INTEGER };
  expect(fieldOf({ type: 'integer', ...every })).not.toHaveProperty('limits');
});

test('members come in the order of the document, those with an order of their own before', () => {
  const properties = { c: {}, b: { 'x-order': 2 }, a: {}, d: { 'x-order': 1 } };
  expect(formOf({ type: 'object', properties }).fields.map(({ name }) => name)).toEqual(['d', 'b', 'c', 'a']);
});

test('what only the service writes, and what is never accepted, is no field', () => {
  const properties = { id: { type: 'string', readOnly: true }, no: false, name: { type: 'string' } };
  expect(formOf({ type: 'object', properties }).fields.map(({ name }) => name)).toEqual(['name']);
});

test('a schema made of others has the members of all, required where any says so', () => {
  const schemas = {
    Base: { type: 'object', required: ['name'], properties: { name: { type: 'string' }, size: { minimum: 1 } } },
  };
  const { fields } = formOf(
    { allOf: [to('Base'), { properties: { size: { type: 'number', title: 'How big' } } }] },
    schemas,
  );
  expect(fields).toMatchObject([
    { pointer: '/name', required: true },
    { pointer: '/size', kind: 'number', title: 'How big', required: false, limits: { minimum: 1 } },
  ]);
});

test('alternatives are told apart by a constant, each with what holds for all', () => {
  const schemas = {
    Vina: {
      type: 'object',
      required: ['engine'],
      properties: { engine: { const: 'vina' }, modes: { type: 'integer' } },
    },
    Gnina: { type: 'object', title: 'gnina', required: ['engine'], properties: { engine: { const: 'gnina_1' } } },
  };
  const field = fieldOf({ properties: { seed: { type: 'integer' } }, oneOf: [to('Vina'), to('Gnina')] }, schemas);
  expect(field).toMatchObject({
    kind: 'variant',
    discriminator: 'engine',
    alternatives: [
      { title: 'Vina', fields: [{ name: 'seed' }, { kind: 'constant', value: 'vina' }, { pointer: '/value/modes' }] },
      { title: 'gnina', fields: [{ name: 'seed' }, { kind: 'constant', value: 'gnina_1' }] },
    ],
  });
});

test('alternatives that only say what must be given make no choice', () => {
  const properties = { smiles: { type: 'string' }, file: { type: 'string' } };
  const schema = { type: 'object', properties, anyOf: [{ required: ['smiles'] }, { required: ['file'] }] };
  expect(fieldOf(schema)).toMatchObject({ kind: 'group', fields: [{ name: 'smiles' }, { name: 'file' }] });
});

test('what holds under a condition is shown and said to be so', () => {
  const schema = {
    properties: { method: { enum: ['rigid', 'flexible'] } },
    if: { properties: { method: { const: 'flexible' } } },
    // biome-ignore lint/suspicious/noThenProperty: the keyword of JSON Schema
    then: { required: ['residues'], properties: { residues: { type: 'string' } } },
    else: { if: {}, else: { properties: { waters: { type: 'boolean' } } } },
  };
  expect(formOf(schema).fields).toMatchObject([
    { name: 'method', kind: 'choice' },
    { name: 'residues', required: false, conditional: true },
    { name: 'waters', conditional: true },
  ]);
});

describe('a schema inside itself', () => {
  const schemas = {
    Tree: { type: 'object', properties: { name: { type: 'string' }, children: { type: 'array', items: to('Tree') } } },
    Job: { type: 'object', properties: { priority: { type: 'integer' } } },
    DockingJob: { allOf: [to('Job'), { properties: { previous: to('Job') } }] },
  };

  test('ends where it repeats', () => {
    expect(fieldOf(to('Tree'), schemas)).toMatchObject({
      kind: 'group',
      fields: [{ name: 'name' }, { kind: 'list', item: { kind: 'json', pointer: '/value/children/-' } }],
    });
  });

  test('is another one than a base that a member has too', () => {
    expect(fieldOf(to('DockingJob'), schemas)).toMatchObject({
      fields: [{ name: 'priority' }, { name: 'previous', kind: 'group', fields: [{ kind: 'integer' }] }],
    });
  });
});

test('schemas of 3.0 are read as they were meant', () => {
  const schema = { type: 'number', nullable: true, minimum: 0, exclusiveMinimum: true, example: 3 };
  expect(fieldOf(schema, {}, '3.0.3')).toMatchObject({
    nullable: true,
    limits: { exclusiveMinimum: 0 },
    examples: [3],
  });
});

test('parameters, the body and the parts of a form are fields with what the operation says of them', () => {
  const docking = describeForm(read('docking-3.0.yaml'));
  expect(docking).toMatchObject({ title: 'Dock ligands into a receptor' });
  expect(docking.fields).toMatchObject([
    { pointer: '/receptorId', kind: 'text', required: true, limits: { pattern: '^rec-[0-9a-f]{8}$' } },
    { pointer: '/engine', kind: 'choice' },
    { pointer: '/X-Request-Label', examples: ['first run'], required: false },
    { pointer: '/seed', default: 42 },
    { pointer: '/flexible', deprecated: true, description: 'Side chains are flexible when the box says so.' },
    { pointer: '/body', kind: 'group', fields: [{ kind: 'list' }, { kind: 'group' }, {}, {}, { nullable: true }] },
  ]);
  const form = describeForm(read('files-3.1.yaml'), { operation: 'alignStructures' });
  expect(form.fields[0]).toMatchObject({ kind: 'file', accept: ['chemical/x-pdb'] });
  // One of its media types is any.
  expect(describeForm(read('multipart.yaml')).fields[0]).toMatchObject({ name: 'structure', kind: 'file', accept: [] });
  const raw = describeForm(read('files-3.1.yaml'), { operation: 'put /raw' });
  expect(raw.fields).toMatchObject([{ pointer: '/body', kind: 'file', accept: [], required: true }]);
});

test('a stored version has the form of its document', () => {
  const document = parseDocument(read('plain.yaml'));
  expect(describeForm({ interface_spec: document })).toEqual(describeForm(document));
  expect(JSON.parse(JSON.stringify(describeForm(document)))).toEqual(describeForm(document));
  expect(describeForm(document, { operation: 'POST /execute' })).toEqual(describeForm(document));
  expect(() => describeForm(document, { operation: 'other' })).toThrow(TaskDocumentInvalidError);
  expect(() => describeForm({ ...document, paths: {} })).toThrow(TaskDocumentInvalidError);
  expect(() => describeForm({ ...document, $ref: 'file:///etc/passwd' })).toThrow(TaskDocumentRefusedError);
});

/** With every object's keys in the order of jsonb. */
function sortKeys(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(sortKeys);
  if (!isJsonObject(value)) return value;
  const entries = Object.entries(value).toSorted(([a], [b]) => a.length - b.length || (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sortKeys(inner ?? null)]));
}

const pointersOf = (fields: readonly FormField[]): readonly string[] =>
  listFields(fields).map(({ pointer }) => pointer);

describe('the order of a stored version', () => {
  const properties = {
    receptor: { type: 'string' },
    box: { type: 'object', properties: { size: { type: 'number' }, at: { type: 'number' } } },
    cpu: { type: 'integer', 'x-mad-order': 1 },
    ligands: { type: 'array', items: { oneOf: [{ properties: { name: {}, id: {} } }, { type: 'string' }] } },
    a: { type: 'string' },
  };
  const json = (schema: JsonObject) => ({ description: '', content: { 'application/json': { schema } } });
  const post = { requestBody: json({ type: 'object', properties }), responses: { 200: json({ type: 'object' }) } };
  const document = {
    openapi: '3.1.0',
    info: { title: 'T', version: '1.0.0', 'x-mad': { operation: 'post /dock' } },
    paths: { '/dock': { post }, '/other': { post } },
  };
  const interface_spec = sortKeys(document) as JsonObject;
  const field_order = listFieldOrder(describeForm(document).fields);
  const ofRow = (order: JsonValue, operation?: string) =>
    pointersOf(describeForm({ interface_spec, metadata: { field_order: order } }, { operation }).fields);

  test('is the one that the document was registered with', () => {
    const expected = pointersOf(describeForm(document).fields);
    expect(pointersOf(describeForm({ interface_spec }).fields)).not.toEqual(expected);
    expect(ofRow(field_order)).toEqual(expected);
    expect(ofRow(field_order, 'POST /dock')).toEqual(expected);
    const names = describeForm({ interface_spec, metadata: { field_order } }).fields.map(({ name }) => name);
    expect(names).toEqual(['cpu', 'receptor', 'box', 'ligands', 'a']);
  });

  test('is of the task alone', () => {
    expect(ofRow(field_order, 'post /other')).toEqual(ofRow([], 'post /other'));
  });

  test.each<[string, JsonValue]>([
    ['nothing', null],
    ['text', '/receptor'],
    ['no pointers', [1, null, {}, ['/receptor']]],
    ['places that are not there', ['/x', '', '/receptor/y']],
  ])('is that of the database where it is %s', (_, order) => {
    expect(ofRow(order)).toEqual(pointersOf(describeForm({ interface_spec }).fields));
  });

  test('is kept of so many fields, the outer ones first', () => {
    const inner = (at: number): FormField => ({
      ...{ pointer: `/a/${at}`, name: `${at}`, title: '', required: false, nullable: false, kind: 'json' },
    });
    const group = {
      ...inner(0),
      pointer: '/a',
      kind: 'group',
      fields: Array.from({ length: 3_000 }, (_, at) => inner(at)),
    };
    const order = listFieldOrder([group as FormField, { ...inner(0), pointer: '/b' }]);
    expect(order).toHaveLength(2_000);
    expect(order.slice(0, 3)).toEqual(['/a', '/b', '/a/0']);
    const long = Array.from({ length: 100 }, (_, at) => ({ ...inner(at), pointer: `/${'"'.repeat(1_000)}${at}` }));
    expect(JSON.stringify(listFieldOrder(long)).length).toBeLessThanOrEqual(65_536);
    expect(listFieldOrder(long).length).toBeGreaterThan(20);
  });
});

test.each(names)('the form of %s has its order when keys were sorted', (name) => {
  const document = parseDocument(read(name));
  const [operation] = listApiOperations(document);
  const named = {
    ...document,
    info: { ...(document.info as JsonObject), 'x-mad': { operation: operation?.id ?? '' } },
  };
  const { fields } = describeForm(named);
  const field_order = listFieldOrder(fields);
  const interface_spec = sortKeys(named) as JsonObject;
  expect(pointersOf(describeForm({ interface_spec, metadata: { field_order } }).fields)).toEqual(pointersOf(fields));
});

describe('a hostile document', () => {
  const each = (count: number, entry: (index: number) => JsonObject): JsonObject =>
    Object.fromEntries(Array.from({ length: count }, (_, index) => [`p${index}`, entry(index)]));
  const levels = (count: number, level: (next: JsonObject) => JsonObject): JsonObject => ({
    ...Object.fromEntries(Array.from({ length: count }, (_, at) => [`A${at}`, level(to(`A${at + 1}`))])),
    [`A${count}`]: { type: 'string' },
  });
  const object = (properties: JsonObject): JsonObject => ({ type: 'object', properties });
  const long = 'x'.repeat(200_000);

  test.each<[string, JsonObject]>([
    ['properties that double at every level', levels(40, (next) => object({ p: next, q: next }))],
    [
      'alternatives that double at every level',
      levels(14, (next) => object({ p: { oneOf: [next, object({ q: next })] } })),
    ],
    ['properties inside each other two hundred times', levels(200, (next) => object({ p: next }))],
    [
      'nine hundred properties in nine hundred places',
      { A0: object(each(900, () => to('B'))), B: object(each(900, () => ({}))) },
    ],
    [
      'a long enum in a thousand places',
      { A0: object(each(1_000, () => to('B'))), B: { enum: Array.from({ length: 20_000 }, (_, i) => i) } },
    ],
    [
      'a long text in a thousand places',
      { A0: object(each(1_000, () => to('B'))), B: { type: 'string', description: long } },
    ],
    ['a name that its members repeat', { A0: object({ ['x'.repeat(12_000)]: object(each(900, () => ({}))) }) }],
    ['a long name of a hundred members', { A0: object({ [long]: object(each(100, () => ({}))) }) }],
  ])('%s', (_, schemas) => {
    const begun = performance.now();
    const { fields } = formOf(to('A0'), schemas);
    expect(JSON.stringify(fields).length).toBeLessThan(1_000_000);
    expect(listFields(fields).some(({ kind }) => kind === 'json')).toBe(true);
    expect(performance.now() - begun).toBeLessThan(5_000);
  });
});
