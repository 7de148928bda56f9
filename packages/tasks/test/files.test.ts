import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { createLocalArtifactStore, type JsonObject, type MetadataDatabase, newId, type TaskCall } from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTaskRunner, registerTask, registerTaskService, type TaskRunnerOptions } from '../src/index.ts';
import { callerOf, insertTestOrganization, metadataTemplate } from './each-metadata.ts';
import { type HandMadeServer, json, startServer } from './hand-made-server.ts';

const database = createPgliteDatabase(metadataTemplate);
const metadata = database.db as unknown as MetadataDatabase;
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mad-files-'));
});
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const PDB = { type: 'string', contentMediaType: 'chemical/x-pdb' };
const byAddress = { ...PDB, format: 'uri' };
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');
const artifacts = () => createLocalArtifactStore({ folder });

interface SetUp {
  readonly request: object;
  readonly answer: { readonly mediaType: string; readonly schema?: object };
  readonly serve: RequestListener;
  readonly options?: Partial<TaskRunnerOptions>;
}

/** A task of one operation at a server that behaves so, and one call of it. */
async function setUp({ request, answer, serve, options = {} }: SetUp) {
  const server: HandMadeServer = await startServer(serve);
  const orgId = await insertTestOrganization(metadata);
  const content = { [answer.mediaType]: { schema: answer.schema ?? {} } };
  const document = {
    openapi: '3.1.0',
    info: { title: 'Files', version: '1.0.0', 'x-mad': { taskKey: 'files' } },
    paths: {
      '/run': {
        post: {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: { type: 'object', properties: request } } },
          },
          responses: { 200: { description: 'done', content } },
        },
      },
    },
  };
  const { task_definition_id: taskDefinitionId } = await registerTask(metadata, callerOf(orgId), { document });
  await registerTaskService(metadata, callerOf(orgId), { taskDefinitionId, serviceUrl: server.url });
  const runner = createTaskRunner({ metadata, artifacts: artifacts(), allowedOrigins: [server.url], ...options });
  return {
    ...{ server, orgId },
    async run(given: JsonObject = {}) {
      const prepared = await runner.prepare(orgId, { taskDefinitionId, request: given });
      const call: TaskCall = {
        ...{ orgId, jobId: newId(), stepName: 'files', taskDefinitionId, attempt: 0, idempotencyKey: newId() },
        ...{ request: prepared.request, timeoutMs: 20_000, signal: new AbortController().signal },
      };
      return runner.run(call);
    },
    async [Symbol.asyncDispose]() {
      await runner[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
    },
  };
}

describe('a file that is the whole answer', () => {
  const bytes = randomBytes(3_000_000);
  const asFile = { request: {}, answer: { mediaType: 'application/octet-stream' } };
  const pour: RequestListener = (request, response) => {
    request.resume();
    if (request.method === 'GET') return json(response, 200, {});
    response.writeHead(200, { 'content-type': 'application/octet-stream' }).end(bytes);
  };

  test('goes into the store as it arrives, past the limit of what is held in memory', async () => {
    await using files = await setUp({ ...asFile, serve: pour, options: { maxResponseBytes: 10_000 } });
    const { result } = await files.run();
    const reference = { $artifact: sha256(bytes), contentType: 'application/octet-stream', sizeBytes: bytes.length };
    expect(result).toEqual({ body: reference });
    expect((await buffer(await artifacts().get(files.orgId, reference.$artifact))).equals(bytes)).toBe(true);
  });

  test('is left where it is larger than files may be', async () => {
    await using files = await setUp({ ...asFile, serve: pour, options: { maxFileBytes: 100_000 } });
    await expect(files.run()).rejects.toMatchObject({ failureCode: 'RESPONSE_TOO_LARGE' });
    expect(await artifacts().head(files.orgId, sha256(bytes))).toBeUndefined();
  });

  test('that breaks off is no file', async () => {
    const half: RequestListener = (request, response) => {
      if (request.method === 'GET') return json(response, 200, {});
      response.writeHead(200, { 'content-type': 'application/octet-stream', 'content-length': bytes.length });
      response.write(bytes.subarray(0, 1_000_000), () => response.destroy());
    };
    await using files = await setUp({ ...asFile, serve: half });
    await expect(files.run()).rejects.toMatchObject({ failureCode: 'CONNECTION_LOST', retryable: true });
    const stored: string[] = [];
    for await (const { digest } of artifacts().list(files.orgId)) stored.push(digest);
    expect(stored).toEqual([]);
  });

  test('whose store fails is no failure of the service', async () => {
    const broken = { ...artifacts(), put: () => Promise.reject(new TypeError('the disk is full')) };
    await using files = await setUp({ ...asFile, serve: pour, options: { artifacts: broken } });
    await expect(files.run()).rejects.toThrow('the disk is full');
  });
});

describe('a file by its address', () => {
  const given = { $artifact: sha256(Buffer.from('ATOM')), contentType: 'chemical/x-pdb', sizeBytes: 4 };
  const echo: RequestListener = async (request, response) => {
    if (request.method === 'GET') return json(response, 200, {});
    json(response, 200, { got: JSON.parse((await buffer(request)).toString()) });
  };
  const asEcho = { answer: { mediaType: 'application/json', schema: { type: 'object' } }, serve: echo };

  test('is sent as the address at which the host gives the artifact', async () => {
    const artifactUrl: TaskRunnerOptions['artifactUrl'] = async (orgId, { $artifact }) =>
      `https://host/${orgId}/${$artifact}`;
    await using files = await setUp({ ...asEcho, request: { receptor: byAddress }, options: { artifactUrl } });
    const { result } = await files.run({ receptor: given });
    expect(result).toEqual({ got: { receptor: `https://host/${files.orgId}/${given.$artifact}` } });
  });

  test('that the caller gives is sent as it is', async () => {
    await using files = await setUp({ ...asEcho, request: { receptor: byAddress } });
    const { result } = await files.run({ receptor: 'https://files.rcsb.org/download/1HSG.pdb' });
    expect(result).toEqual({ got: { receptor: 'https://files.rcsb.org/download/1HSG.pdb' } });
  });

  test('cannot be sent where artifacts have none', async () => {
    await using files = await setUp({ ...asEcho, request: { receptor: byAddress } });
    await expect(files.run({ receptor: given })).rejects.toMatchObject({
      failureCode: 'INVALID_FILE',
      message: expect.stringContaining('artifactUrl'),
    });
  });

  const naming = (poses: string): SetUp => ({
    request: {},
    answer: {
      mediaType: 'application/json',
      schema: { type: 'object', properties: { poses: { ...byAddress, format: 'uri-reference' } }, required: ['poses'] },
    },
    serve: (request, response) => {
      request.resume();
      if (request.method === 'POST') return json(response, 200, { poses });
      if (request.url === '/files/poses.pdb') response.end('ATOM');
      else if (request.url === '/health') json(response, 200, {});
      else response.writeHead(request.url === '/moved' ? 302 : 404, { location: '/files/poses.pdb' }).end();
    },
  });

  test('in an answer is copied in', async () => {
    await using files = await setUp(naming('/files/poses.pdb'));
    expect((await files.run()).result).toEqual({ poses: given });
    expect((await buffer(await artifacts().get(files.orgId, given.$artifact))).toString()).toBe('ATOM');
  });

  test.each([
    ['http://169.254.169.254/latest/meta-data', 'RESULT_FILE_NOT_ALLOWED'],
    ['file:///etc/passwd', 'RESULT_FILE_NOT_ALLOWED'],
    ['/files/gone', 'EXECUTION_FAILED'],
    ['/moved', 'CONTRACT_VIOLATION'],
  ])('in an answer that leads to %s is a failure', async (poses, failureCode) => {
    await using files = await setUp(naming(poses));
    await expect(files.run()).rejects.toMatchObject({ failureCode });
  });
});

describe('files in masses', () => {
  const ok: RequestListener = (request, response) => {
    request.resume();
    json(
      response,
      200,
      request.method === 'GET'
        ? {}
        : { got: { $artifact: 'a'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 3 } },
    );
  };
  const answer = { mediaType: 'application/json', schema: { type: 'object', properties: { got: PDB } } };

  test('are refused before more than a thousand are written', async () => {
    await using files = await setUp({ request: { all: { type: 'array', items: PDB } }, answer, serve: ok });
    const begun = performance.now();
    const all = Array.from({ length: 20_000 }, (_, at) => `file ${at}`);
    await expect(files.run({ all })).rejects.toMatchObject({
      issues: [{ pointer: '/all/1000', message: expect.stringContaining('at most 1000 files') }],
    });
    expect(performance.now() - begun).toBeLessThan(20_000);
  });

  test('that a service only names must be there', async () => {
    await using files = await setUp({ request: {}, answer, serve: ok });
    await expect(files.run()).rejects.toMatchObject({ failureCode: 'CONTRACT_VIOLATION' });
  });
});
