import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { expect, test } from 'vitest';
import { createTaskInterface } from '../../src/openapi/task-interface.ts';
import { compareDocuments, withOperationOf } from '../../src/service-registry/compare-documents.ts';

const REGISTERED: JsonObject = {
  openapi: '3.1.0',
  info: { title: 'Find pockets', version: '1.0.0', 'x-mad': { taskKey: 'find-pockets' } },
  paths: {
    '/pockets/{receptor}': {
      post: {
        operationId: 'execute',
        parameters: [
          { name: 'receptor', in: 'path', required: true, schema: { type: 'string' } },
          { name: 'most', in: 'query', schema: { type: 'integer', minimum: 1 } },
        ],
        requestBody: {
          required: true,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                required: ['cutoff'],
                properties: { cutoff: { type: 'number', minimum: 0, maximum: 10 }, mode: { enum: ['fast', 'full'] } },
                additionalProperties: false,
              },
            },
          },
        },
        responses: {
          200: {
            description: 'ok',
            content: {
              'application/json': {
                schema: {
                  type: 'object',
                  required: ['pockets'],
                  properties: { pockets: { type: 'array', items: { type: 'string' } }, note: { type: 'string' } },
                },
              },
            },
          },
        },
      },
    },
  },
};

const OPERATION = '/paths/~1pockets~1{receptor}/post';
const BODY = `${OPERATION}/requestBody/content/application~1json/schema`;
const ANSWER = `${OPERATION}/responses/200/content/application~1json/schema`;

/** The registered document with other members in one of its objects; undefined takes one out. */
function changed(pointer: string, members: Record<string, JsonValue | undefined>): JsonObject {
  const copy = structuredClone(REGISTERED);
  const place = findByPointer(copy, pointer);
  if (isJsonObject(place)) Object.assign(place, members);
  return JSON.parse(JSON.stringify(copy)) as JsonObject;
}

function compare(live: JsonObject) {
  const taskInterface = createTaskInterface(REGISTERED);
  const found = withOperationOf({ document: REGISTERED, taskInterface }, live);
  return found && compareDocuments({ document: REGISTERED, taskInterface }, found);
}

const properties = (pointer: string): JsonObject => findByPointer(REGISTERED, `${pointer}/properties`) as JsonObject;
const parameters = findByPointer(REGISTERED, `${OPERATION}/parameters`) as JsonObject[];

test.each([
  ['nothing', REGISTERED],
  ['descriptions', changed('/info', { title: 'Pockets', description: 'Finds pockets.', version: '1.0.1' })],
  ['an operation more', changed('/paths', { '/about': { get: { responses: { 200: { description: 'about' } } } } })],
  [
    'an optional member of the request',
    changed(BODY, { properties: { ...properties(BODY), seed: { type: 'integer' } } }),
  ],
  ['a member of the response', changed(ANSWER, { properties: { ...properties(ANSWER), took: { type: 'number' } } })],
  [
    'an optional parameter',
    changed(OPERATION, { parameters: [...parameters, { name: 'page', in: 'query', schema: {} }] }),
  ],
  ['a wider request', changed(BODY, { properties: { ...properties(BODY), cutoff: { type: 'number' } } })],
  ['a narrower response', changed(ANSWER, { required: ['pockets', 'note'] })],
  ['the operationId', changed(OPERATION, { operationId: 'findPockets' })],
])('%s changed: every call fits still', (_, live) => {
  expect(compare(live)).toEqual({ breaks: [], doubts: [] });
});

test('the names of path parameters are the own affair of a document', () => {
  const text = JSON.stringify(REGISTERED).replaceAll('receptor', 'target');
  expect(compare(JSON.parse(text) as JsonObject)).toEqual({ breaks: [], doubts: [] });
});

test.each([
  [
    'a new required member',
    changed(BODY, { required: ['cutoff', 'seed'], properties: { ...properties(BODY), seed: {} } }),
    /seed/,
  ],
  ['a member less', changed(BODY, { properties: { cutoff: { type: 'number' } } }), /mode/],
  [
    'a narrower range',
    changed(BODY, { properties: { ...properties(BODY), cutoff: { type: 'number', maximum: 5 } } }),
    /cutoff/,
  ],
  ['a value less', changed(BODY, { properties: { ...properties(BODY), mode: { enum: ['fast'] } } }), /mode/],
  [
    'a new required parameter',
    changed(OPERATION, { parameters: [...parameters, { name: 'key', in: 'header', required: true, schema: {} }] }),
    /request/,
  ],
  [
    'a parameter written otherwise',
    changed(OPERATION, { parameters: [parameters[0] ?? {}, { ...parameters[1], explode: false }] }),
    /most is written/,
  ],
  ['a response that need not be there', changed(ANSWER, { required: [] }), /response/],
  [
    'a response of another type',
    changed(ANSWER, { properties: { pockets: { type: 'array', items: { type: 'integer' } } } }),
    /response at \/pockets/,
  ],
  [
    'another media type of the request',
    changed(`${OPERATION}/requestBody`, { content: { 'text/plain': { schema: { type: 'string' } } } }),
    /takes text\/plain and no more application\/json/,
  ],
  [
    'another media type of the response',
    changed(`${OPERATION}/responses/200`, { content: { 'text/csv': {} } }),
    /is text\/csv and no more application\/json/,
  ],
])('%s breaks calls', (_, live, reason) => {
  expect(compare(live)?.breaks.join('; ')).toMatch(reason);
});

test('without the operation there is nothing to compare', () => {
  const { '/pockets/{receptor}': item } = REGISTERED.paths as JsonObject;
  expect(compare(changed('', { paths: { '/v2/pockets/{receptor}': item } }))).toBeUndefined();
  const { post } = (REGISTERED.paths as { [path: string]: JsonObject })['/pockets/{receptor}'] ?? {};
  expect(compare(changed('/paths/~1pockets~1{receptor}', { post: undefined, put: post }))).toBeUndefined();
});

test('what is not proven is a doubt, and no break', () => {
  const { pockets } = properties(ANSWER);
  const vague = compare(changed(ANSWER, { properties: { pockets } }));
  expect(vague).toEqual({ breaks: [], doubts: [expect.stringContaining('response at /note')] });
  const silent = compare(changed(OPERATION, { parameters: parameters.slice(0, 1) }));
  expect(silent).toEqual({ breaks: [], doubts: ['request: it says nothing of most any more'] });
});
