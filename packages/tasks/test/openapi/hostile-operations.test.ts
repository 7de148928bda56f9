import type { JsonObject } from '@mad/core';
import { expect, test } from 'vitest';
import { parseDocument } from '../../src/definition/parse-document.ts';
import { readTaskDeclaration } from '../../src/definition/task-declaration.ts';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../../src/errors.ts';
import { listApiOperations } from '../../src/openapi/api-operation.ts';
import { createTaskInterface } from '../../src/openapi/task-interface.ts';

const json = (schema: object) => ({ content: { 'application/json': { schema } } });
const base = { openapi: '3.1.0', info: { title: 'x', version: '1.0.0' } };

test('a small document of very many operations is refused before they are read', () => {
  const parameters = Array.from({ length: 400 }, (_, at) => ({
    name: `p${at}`,
    in: 'query',
    schema: { type: 'string' },
  }));
  const get = { parameters, responses: { 200: { description: 'x' } } };
  const paths = Object.fromEntries(
    Array.from({ length: 3_000 }, (_, at) => [`/p${at}`, { $ref: '#/components/pathItems/all' }]),
  );
  const document = parseDocument({ ...base, paths, components: { pathItems: { all: { get, put: get, patch: get } } } });
  const begun = performance.now();
  expect(() => listApiOperations(document)).toThrow(TaskDocumentRefusedError);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

const working = (schemas: object, state: object): JsonObject =>
  parseDocument({
    ...base,
    info: { ...base.info, 'x-mad': { operation: 'run', execution: { status: 'look', result: '/nothing' } } },
    paths: {
      '/run': { post: { operationId: 'run', responses: { 200: { description: 'x', ...json({ type: 'object' }) } } } },
      '/runs/{id}': {
        get: {
          operationId: 'look',
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
          responses: { 200: { description: 'x', ...json(state) } },
        },
      },
    },
    components: { schemas },
  });

test('a member is looked for once in each schema, however they are made of each other', () => {
  const ref = (at: number) => ({ $ref: `#/components/schemas/A${at}` });
  const levels = Array.from({ length: 40 }, (_, at) => [`A${at}`, { allOf: [ref(at + 1), ref(at + 1)] }]);
  const schemas = { ...Object.fromEntries(levels), A40: { type: 'object' } };
  const begun = performance.now();
  expect(() => createTaskInterface(working(schemas, ref(0)))).toThrow(TaskDocumentInvalidError);
  expect(() => createTaskInterface(working({ A0: { allOf: [ref(0)] } }, ref(0)))).toThrow(TaskDocumentInvalidError);
  expect(performance.now() - begun).toBeLessThan(2_000);
});

test('a version of any length is looked at once', () => {
  const begun = performance.now();
  const version = `${'+'.repeat(200_000)}\n`;
  expect(() => readTaskDeclaration(parseDocument({ ...base, info: { ...base.info, version } }))).toThrow(
    /semantic version/,
  );
  expect(performance.now() - begun).toBeLessThan(1_000);
});

test.each(['Host', 'Content-Length', 'Transfer-Encoding', 'Connection', 'x y\r\nz', '__proto__', 'Cookie'])(
  'a credential is sent in no header that is HTTP’s own: %s',
  (name) => {
    const document = parseDocument({
      ...base,
      paths: { '/a': { get: { security: [{ key: [] }], responses: { 200: { description: 'x' } } } } },
      components: { securitySchemes: { key: { type: 'apiKey', in: 'header', name } } },
    });
    expect(() => listApiOperations(document)).toThrow(TaskDocumentInvalidError);
  },
);
