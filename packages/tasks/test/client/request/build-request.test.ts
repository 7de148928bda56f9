import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { type JsonObject, ValidationFailedError } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { below } from '../../../src/client/exchange/service-call.ts';
import { buildRequest } from '../../../src/client/request/build-request.ts';
import { noFiles, type RequestFiles } from '../../../src/client/request/request-files.ts';
import { listApiOperations } from '../../../src/openapi/api-operation.ts';
import { createOperationInterface } from '../../../src/openapi/operation-interface.ts';

const files: RequestFiles = {
  read: async () => Buffer.from('ATOM é'),
  open: async () => Readable.from([Buffer.from('ATOM '), Buffer.from('é')]),
  addressOf: async ({ $artifact }) => `https://files.example/${$artifact}`,
};
const reference = { $artifact: '0'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 7 };
const string = { type: 'string' };

function interfaceOf(operation: JsonObject, path = '/dock') {
  const document = { openapi: '3.1.0', paths: { [path]: { post: { responses: {}, ...operation } } } };
  const [found] = listApiOperations(document);
  if (!found) throw new TypeError('no operation');
  return createOperationInterface(document, found);
}

const parameter = (name: string, place: string, more: JsonObject = {}) => ({ name, in: place, schema: {}, ...more });
const content = (mediaType: string, media: JsonObject) => ({ requestBody: { content: { [mediaType]: media } } });

test('each parameter goes to its place', async () => {
  const parameters = [
    parameter('id', 'path', { required: true }),
    parameter('box', 'query', { style: 'deepObject', explode: true }),
    parameter('tags', 'query'),
    parameter('filter', 'query', { schema: undefined, content: { 'application/json': { schema: {} } } }),
    parameter('X-Trace', 'header'),
    parameter('session', 'cookie'),
    parameter('Accept', 'header'),
    parameter('Idempotency-Key', 'header'),
  ];
  const api = interfaceOf({ parameters }, '/dock/{id}.json');
  const request = { id: 'a/b', box: { x: 1 }, tags: [1, 2], filter: { a: [true] }, 'X-Trace': 't', session: 's 1' };
  expect(api.requestSchema).toMatchObject({ required: ['id'], additionalProperties: false });
  expect(api.operation.takesIdempotencyKey).toBe(true);
  expect(api.checkRequest(request)).toEqual([]);
  expect(await buildRequest(api, request, noFiles)).toEqual({
    method: 'POST',
    path: '/dock/a%2Fb.json',
    search: 'box%5Bx%5D=1&tags=1&tags=2&filter=%7B%22a%22%3A%5Btrue%5D%7D',
    headers: { accept: '*/*', 'x-trace': 't', cookie: 'session=s%201' },
    body: undefined,
  });
});

describe('a value that has no place in HTTP is refused by its name', () => {
  test.each<[string, JsonObject, string]>([
    ['a path of dots', { id: '..' }, '/id'],
    ['a path of one dot', { id: '.' }, '/id'],
    ['an empty path', { id: '' }, '/id'],
    ['a line break in a header', { id: 'a', 'X-Trace': 'a\r\nhost: b' }, '/X-Trace'],
    ['a sign beyond Latin-1 in a header', { id: 'a', 'X-Trace': '→' }, '/X-Trace'],
  ])('%s', async (_, request, pointer) => {
    const parameters = [parameter('id', 'path', { required: true }), parameter('X-Trace', 'header')];
    const building = buildRequest(interfaceOf({ parameters }, '/dock/{id}'), request, noFiles);
    await expect(building).rejects.toThrow(ValidationFailedError);
    await expect(building).rejects.toMatchObject({ issues: [{ pointer }] });
  });
});

test('a JSON body without parameters is the request, its files as text', async () => {
  const file = { type: 'string', contentMediaType: 'chemical/x-pdb' };
  const schema = { type: 'object', properties: { receptor: file, seed: { type: 'integer' } } };
  const api = interfaceOf(content('application/vnd.example+json', { schema }));
  expect(api.isBodyOnly).toBe(true);
  const built = await buildRequest(api, { receptor: reference, seed: 1 }, files);
  expect(built.headers).toEqual({ accept: '*/*', 'content-type': 'application/vnd.example+json' });
  expect(built.body).toBe('{"receptor":"ATOM é","seed":1}');
});

test('beside parameters the body is body', async () => {
  const api = interfaceOf({
    parameters: [parameter('n', 'query')],
    ...content('application/json', { schema: { type: 'array', items: { type: 'integer' } } }),
  });
  expect(api.checkRequest({ body: ['a'] })).toMatchObject([{ pointer: '/body/0' }]);
  expect(await buildRequest(api, { n: 1, body: [1] }, noFiles)).toMatchObject({ search: 'n=1', body: '[1]' });
});

test('a file is streamed as it is', async () => {
  const api = interfaceOf(content('chemical/*', {}));
  const { headers, body } = await buildRequest(api, { body: reference }, files);
  expect(headers).toEqual({ accept: '*/*', 'content-type': 'chemical/x-pdb', 'content-length': '7' });
  expect(await text(body as Readable)).toBe('ATOM é');
});

test('a form of many parts holds its files, its lists and its JSON', async () => {
  const file = { ...string, format: 'binary' };
  const schema = {
    type: 'object',
    properties: { receptor: file, ligands: { type: 'array', items: file }, box: { type: 'object' }, 'na"me': string },
  };
  const api = interfaceOf(
    content('multipart/form-data', { schema, encoding: { box: { contentType: 'application/json' } } }),
  );
  expect(api.isBodyOnly).toBe(true);
  const request = { receptor: reference, ligands: ['C', reference], box: { x: 1 }, 'na"me': 'a' };
  const { headers, body } = await buildRequest(api, request, files);
  const sent = Buffer.from(await text(body as Readable));
  expect(headers['content-length']).toBe(String(sent.byteLength));
  const form = await new Response(sent, { headers: { 'content-type': headers['content-type'] ?? '' } }).formData();
  const parts = await Promise.all(
    [...form].map(async ([name, value]) =>
      typeof value === 'string' ? [name, value] : [name, value.name, value.type, await value.text()],
    ),
  );
  expect(parts).toEqual([
    ['receptor', 'receptor', 'chemical/x-pdb', 'ATOM é'],
    ['ligands', 'ligands', 'application/octet-stream', 'C'],
    ['ligands', 'ligands', 'chemical/x-pdb', 'ATOM é'],
    ['box', '{"x":1}'],
    ['na"me', 'a'],
  ]);
});

test('a form in a text repeats lists and follows the styles of its encoding', async () => {
  const schema = { type: 'object' };
  const encoding = { box: { style: 'deepObject', explode: true }, tags: { style: 'pipeDelimited', explode: false } };
  const api = interfaceOf(content('application/x-www-form-urlencoded', { schema, encoding }));
  const request = { q: 'a b&c', n: [1, 2], o: { a: 1 }, box: { x: 1 }, tags: ['a', 'b'] };
  const { body } = await buildRequest(api, request, noFiles);
  expect(body).toBe('q=a+b%26c&n=1&n=2&o=%7B%22a%22%3A1%7D&box%5Bx%5D=1&tags=a%7Cb');
});

test('a file that is not there, or another one, fails the body', async () => {
  const api = interfaceOf(content('application/octet-stream', {}));
  await expect(buildRequest(api, { body: reference }, noFiles)).rejects.toMatchObject({
    failureCode: 'ARTIFACT_NOT_FOUND',
  });
});

test.each(['/\\..\\..\\admin', '/.\t./.\t./admin', '/.\n./admin'])(
  'a path of a document stays below the address of its service: %j',
  async (path) => {
    const serviceUrl = new URL('http://h/tenant-a/dock');
    const reached = await buildRequest(interfaceOf({}, path), {}, files).then(
      (built) => below(serviceUrl, built.path).pathname,
      () => '/tenant-a/dock/',
    );
    expect(reached.startsWith('/tenant-a/dock/')).toBe(true);
  },
);
