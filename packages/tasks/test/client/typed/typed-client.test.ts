import { readFileSync } from 'node:fs';
import { type ArtifactReference, type JsonObject, NotFoundError, TaskFailedError, type TaskType } from '@mad/core';
import { expect, expectTypeOf, test } from 'vitest';
import type { CallOptions } from '../../../src/client/service-client.ts';
import { defineTask, type TaskRequest, type TaskResponse } from '../../../src/client/typed/define-task.ts';
import type { TypedClient } from '../../../src/client/typed/typed-client.ts';
import { parseDocument } from '../../../src/definition/parse-document.ts';
import { startServer } from '../../hand-made-server.ts';
import type { operations as fileOperations, paths as files } from './openapi-types/files-3.1.ts';
import type { operations as jobOperations, paths as jobs } from './openapi-types/long-running.ts';
import type { paths as forms } from './openapi-types/multipart.ts';
import type { paths as parameters } from './openapi-types/parameters.ts';
import type { paths as records } from './openapi-types/read-write-only.ts';
import type { operations as ligandOperations, paths as ligands } from './openapi-types/statuses.ts';

type Text = string | ArtifactReference;

const read = (name: string): string => readFileSync(new URL(`../../documents/${name}.yaml`, import.meta.url), 'utf8');

test('a request has the parameters by name and the body beside them', () => {
  expectTypeOf<TaskRequest<ligands, 'get /ligands'>>().toEqualTypeOf<{ page?: number }>();
  expectTypeOf<TaskRequest<ligands, 'delete /ligands/{number}'>>().toEqualTypeOf<{ number: number }>();
  expectTypeOf<TaskRequest<ligands, 'patch /ligands/{number}'>>().toEqualTypeOf<{
    number: number;
    'If-Match'?: Text;
    body: { name?: Text; note?: Text | null };
  }>();
  // A name that two places have.
  expectTypeOf<TaskRequest<parameters, 'get /mixed/{name}'>>().toEqualTypeOf<{
    'path.name': 'aspirin' | 'caffeine' | 'ethanol';
    'query.name': number;
    limit: number;
  }>();
});

test('a request that is nothing but an object of JSON or a form is that', () => {
  expectTypeOf<TaskRequest<ligands, 'post /ligands'>>().toEqualTypeOf<{ name: Text; smiles: Text }>();
  expectTypeOf<TaskRequest<forms, 'post /preparations'>>().toMatchTypeOf<{ structure: Text; pH?: number }>();
  expectTypeOf<TaskRequest<forms, 'post /preparations'>['chains']>().toEqualTypeOf<('A' | 'B' | 'C')[] | undefined>();
  expectTypeOf<TaskRequest<files, 'put /raw'>>().toEqualTypeOf<{ body: Text }>();
});

test('what is marked as sent by the other side alone is in no type', () => {
  type Sent = TaskRequest<records, 'post /records'>;
  type Stored = TaskResponse<records, 'post /records'>;
  expectTypeOf<'createdAt' extends keyof Sent ? true : false>().toEqualTypeOf<false>();
  expectTypeOf<Stored['createdAt']>().toEqualTypeOf<Text>();
  expectTypeOf<Sent['owner']['password']>().toEqualTypeOf<Text>();
  expectTypeOf<'password' extends keyof Stored['owner'] ? true : false>().toEqualTypeOf<false>();
  expectTypeOf<keyof Sent['measurements'][number]>().toEqualTypeOf<'value' | 'rawData'>();
});

test('the result of a task is what jobs keep of the first success', () => {
  expectTypeOf<TaskResponse<ligands, 'post /ligands'>>().toEqualTypeOf<{
    number: number;
    name: Text;
    note?: Text | null;
  }>();
  expectTypeOf<TaskResponse<ligands, 'get /ligands'>>().toMatchTypeOf<{ body: { number: number }[] }>();
  expectTypeOf<TaskResponse<ligands, 'get /count'>>().toEqualTypeOf<{ body: number }>();
  expectTypeOf<TaskResponse<ligands, 'get /ligands/{number}/report'>>().toEqualTypeOf<{ body: string }>();
  expectTypeOf<TaskResponse<files, 'post /pictures'>>().toEqualTypeOf<{ body: Text }>();
  expectTypeOf<TaskResponse<ligands, 'delete /ligands/{number}'>>().toEqualTypeOf<Record<never, never>>();
});

test('a defined task is one for pipelines', () => {
  const store = defineTask<ligands>().type('answer-statuses@^3', 'post /ligands');
  expectTypeOf(store).toEqualTypeOf<
    TaskType<TaskRequest<ligands, 'post /ligands'>, TaskResponse<ligands, 'post /ligands'>>
  >();
  expect(store).toEqual({ task: 'answer-statuses@^3' });
  // @ts-expect-error it has no such operation
  defineTask<ligands>().type('answer-statuses', 'post /ligand');
});

test('the result of work that takes long stands where another operation tells it', () => {
  const long = defineTask<jobs, jobOperations>();
  type Started = TaskRequest<jobs, 'post /conformer-jobs'>;
  interface Result {
    score: number;
    poses: number;
  }
  expectTypeOf<Started>().toEqualTypeOf<{ smiles: Text; count?: number }>();
  const inState = long.type('conformers@^1', 'startConformers', { in: 'getConformers', at: '/result' });
  expectTypeOf(inState).toEqualTypeOf<TaskType<Started, Result>>();
  const apart = long.type('conformers@^1', 'post /conformer-jobs', { in: 'get /results/{jobId}', at: '' });
  expectTypeOf(apart).toEqualTypeOf<TaskType<Started, Result>>();
  expectTypeOf(
    long.type('conformers@^1', 'startConformers', { in: 'getConformers', at: '/result/score' }),
  ).toEqualTypeOf<TaskType<Started, { body: number }>>();
  expectTypeOf<TaskResponse<jobs, 'get /conformer-jobs/{jobId}', '/result'>>().toEqualTypeOf<Result>();
  // Text that may be null stays so; a state of several forms has what any of them tells.
  expectTypeOf<TaskResponse<jobs, 'get /conformer-jobs/{jobId}', '/error'>>().toEqualTypeOf<
    { body: Text } | { body: null }
  >();
  type State = { phase: 'running'; any?: unknown } | { phase: 'done'; answer: Result | null };
  interface OfStates {
    '/state': { get: { responses: { 200: { content: { 'application/json': State } } } } };
  }
  expectTypeOf<TaskResponse<OfStates, 'get /state', '/answer'>>().toEqualTypeOf<Result>();
  expectTypeOf<TaskResponse<OfStates, 'get /state', '/any'>>().toEqualTypeOf<JsonObject>();
  expectTypeOf<TaskResponse<jobs, 'get /conformer-jobs/{jobId}', '/answer'>>().toEqualTypeOf<never>();
  expect(inState).toEqual({ task: 'conformers@^1' });
  // @ts-expect-error the state has no such place
  long.type('conformers@^1', 'startConformers', { in: 'getConformers', at: '/answer' });
  // @ts-expect-error nor one without a name
  long.type('conformers@^1', 'startConformers', { in: 'getConformers', at: 'result' });
  // @ts-expect-error there is no such operation
  long.type('conformers@^1', 'startConformers', { in: 'getConformer', at: '/result' });
});

test('calls have the types of their operations', () => {
  type Call = TypedClient<ligands, ligandOperations>['call'];
  // Never called: only the compiler reads it.
  const calls = async (call: Call) => {
    const created = await call('post /ligands', { name: 'a', smiles: 'CCO' });
    expectTypeOf(await call('createLigand', { name: 'a', smiles: 'CCO' })).toEqualTypeOf(created);
    if (created.status === 201) {
      expectTypeOf(created.body).toEqualTypeOf<{ number: number; name: string; note?: string | null }>();
      expectTypeOf(created.mediaType).toEqualTypeOf<'application/json'>();
    }
    if (created.status === 204) expectTypeOf(created.body).toEqualTypeOf<undefined>();
    // The exact status goes before its class, that before the default.
    if (created.status === 422) expectTypeOf(created.body.violations[0]?.pointer).toEqualTypeOf<string | undefined>();
    if (created.status === 404) expectTypeOf(created.mediaType).toEqualTypeOf<'application/problem+json'>();
    if (created.status === 500) expectTypeOf(created.body).toEqualTypeOf<string>();
    const list = await call('get /ligands');
    if (list.status === 200 && list.mediaType === 'text/csv') expectTypeOf(list.body).toEqualTypeOf<string>();
    if (list.status === 200 && list.mediaType === 'application/json')
      expectTypeOf(list.body[0]?.number).toEqualTypeOf<number | undefined>();
    await call('get /ligands', { page: 2 }, { timeoutMs: 1_000 });
    expectTypeOf<Parameters<typeof call<'get /ligands'>>>().toEqualTypeOf<
      ['get /ligands', request?: { page?: number }, options?: CallOptions]
    >();
    // @ts-expect-error the request is needed
    await call('post /ligands');
    // @ts-expect-error a property is missing
    await call('post /ligands', { name: 'a' });
    // @ts-expect-error another type
    await call('get /ligands', { page: 'two' });
    // @ts-expect-error there is no such operation
    await call('get /ligand');
    // @ts-expect-error nor this method
    await call('put /ligands');
  };
  expect(calls).toBeTypeOf('function');
  type Files = Awaited<ReturnType<TypedClient<files, fileOperations>['call']>>;
  expectTypeOf<Extract<Files, { mediaType: 'image/png' }>['body']>().toEqualTypeOf<Buffer>();
});

test('a typed call is one of the client: sent, answered and checked', async () => {
  const stored = { number: 12, name: 'aspirin', note: null };
  await using server = await startServer((request, response) => {
    const isList = request.method === 'GET';
    response.writeHead(isList ? 404 : 201, {
      'content-type': isList ? 'application/problem+json' : 'application/json',
    });
    response.end(JSON.stringify(isList ? { title: 'no', status: 404 } : stored));
  });
  const task = defineTask<ligands, ligandOperations>();
  await using client = await task.openClient({ document: read('statuses'), serviceUrl: server.url });
  const created = await client.call('post /ligands', { name: 'aspirin', smiles: 'CCO' });
  expect(created).toMatchObject({ status: 201, mediaType: 'application/json', body: stored });
  const listed = await client.call('listLigands', { page: 2 });
  expect(listed).toMatchObject({ status: 404, body: { title: 'no' } });
  expect(server.seen).toEqual(['POST /ligands', 'GET /ligands?page=2']);
  const stale = client as unknown as TypedClient<{ '/old': { get: object } }>;
  await expect(stale.call('get /old')).rejects.toThrow(NotFoundError);
});

const stray = { structure: { $artifact: '0'.repeat(64), contentType: 'a/b', sizeBytes: 1 } };

test.each<[string, { body: JsonObject; status: number }, RegExp]>([
  ['a reference in the place of a file', { body: stray, status: 200 }, /reference instead of the file at \/structure/],
  ['a status that is none', { body: { structure: 'QVRPTQ==' }, status: 700 }, /answered 700/],
])('%s is refused, for the types say otherwise', async (_, { body, status }, message) => {
  await using server = await startServer((__, response) => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  });
  const document = parseDocument(read('files-3.1').replace('"200":', 'default:'));
  await using client = await defineTask<files>().openClient({ document, serviceUrl: server.url });
  const called = client.call('post /conversions', { structure: 'QVRPTQ==', target: 'sdf' });
  await expect(called).rejects.toThrow(TaskFailedError);
  await expect(called).rejects.toThrow(message);
});
