import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  type ArtifactReference,
  createLocalArtifactStore,
  inOrganization,
  insertTaskDefinition,
  isArtifactReference,
  type JsonObject,
  listTaskServices,
  NotFoundError,
  newId,
  readArtifactText,
  SYSTEM_ORG_ID,
  type TaskCall,
  type TaskDefinitionRow,
  ValidationFailedError,
} from '@mad/core';
import { createTaskService } from '@mad/tasks/service';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createTaskRunner,
  heartbeatTaskService,
  listTaskServiceHealth,
  OriginNotAllowedError,
  registerTask,
  registerTaskService,
} from '../src/index.ts';
import { callerOf, describeOnEachDatabase, insertTestOrganization } from './each-metadata.ts';
import { deadUrl, startServer } from './hand-made-server.ts';
import { measure, wait } from './operations.ts';

const MOLECULE = 'ATOM 1\nATOM 2\n';

describeOnEachDatabase((metadata) => {
  // Checking a document takes a tenth of a second: it is done once, and each test's organization gets a copy of the row.
  let registered: Record<'measure' | 'wait', TaskDefinitionRow>;
  let folder: string;
  const service = createTaskService({ operations: [measure, wait] });
  let url: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mad-tasks-'));
    ({ url } = await service.listen());
    const orgId = await insertTestOrganization(metadata());
    registered = {
      measure: await registerTask(metadata(), callerOf(orgId), { document: measure.document }),
      wait: await registerTask(metadata(), callerOf(orgId), { document: wait.document }),
    };
  });
  afterAll(async () => {
    await service.close({ graceMs: 0 });
    await rm(folder, { recursive: true });
  });

  function copyTask(
    orgId: string,
    { task_definition_id: _, org_id, is_system, ...row }: TaskDefinitionRow,
  ): Promise<TaskDefinitionRow> {
    return inOrganization(metadata(), orgId, (tx) => insertTaskDefinition(tx, row));
  }

  /** An organization with both tasks, a service for each where `serviceUrls` does not say otherwise, and a runner. */
  async function setUp(options: { serviceUrls?: readonly string[]; allowedOrigins?: readonly string[] } = {}) {
    const db = metadata();
    const orgId = await insertTestOrganization(db);
    const artifacts = createLocalArtifactStore({ folder });
    const definitions = {
      measure: await copyTask(orgId, registered.measure),
      wait: await copyTask(orgId, registered.wait),
    };
    for (const [taskKey, { task_definition_id }] of Object.entries(definitions)) {
      for (const serviceUrl of options.serviceUrls ?? [`${url}/${taskKey}`])
        await registerTaskService(db, callerOf(orgId), { taskDefinitionId: task_definition_id, serviceUrl });
    }
    const runner = createTaskRunner({ metadata: db, artifacts, allowedOrigins: options.allowedOrigins ?? [url] });
    const call = (task: keyof typeof definitions, request: JsonObject, more: Partial<TaskCall> = {}): TaskCall => ({
      orgId,
      jobId: newId(),
      stepName: task,
      taskDefinitionId: definitions[task].task_definition_id,
      attempt: 0,
      idempotencyKey: newId(),
      request,
      timeoutMs: 10_000,
      signal: new AbortController().signal,
      ...more,
    });
    const store = async (text: string): Promise<ArtifactReference> => {
      const { digest, sizeBytes } = await artifacts.put(orgId, text);
      return { $artifact: digest, contentType: 'chemical/x-pdb', sizeBytes };
    };
    const health = async () => {
      const { items } = await inOrganization(db, orgId, (tx) =>
        listTaskServices(tx, { taskDefinitionId: definitions.measure.task_definition_id }),
      );
      return items.map(({ service_url, health_status }) => [service_url, health_status]);
    };
    return {
      orgId,
      artifacts,
      definitions,
      runner,
      call,
      store,
      health,
      [Symbol.asyncDispose]: () => runner[Symbol.asyncDispose](),
    };
  }

  describe('resolve and prepare', () => {
    test('a task is what its document declares', async () => {
      await using set = await setUp();
      const task = await set.runner.resolve(set.orgId, 'measure@^1');
      expect(task).toMatchObject({
        taskKey: 'measure',
        version: '1.0.0',
        interfaceDigest: set.definitions.measure.interface_digest,
        producer: 'measure 1.0.0',
        determinism: 'exact',
        architecture: null,
        ignoredPointers: ['/cpu'],
        ignoredAnswerPointers: [],
        contentTypes: { '/molecule': 'chemical/x-pdb' },
        taskDefinitionId: set.definitions.measure.task_definition_id,
        requestSchema: {
          type: 'object',
          required: ['molecule'],
          properties: { molecule: { type: 'string', contentMediaType: 'chemical/x-pdb' } },
        },
        responseSchema: { type: 'object', properties: { atoms: { type: 'integer' } } },
      });
      expect(task.resourceClass).toBeUndefined();
      await expect(set.runner.resolve(set.orgId, 'measure@^2')).rejects.toThrow(/1\.0\.0/);
    });

    test('a task whose services ask for a GPU is of that resource class', async () => {
      await using set = await setUp();
      await inOrganization(metadata(), set.orgId, (tx) =>
        insertTaskDefinition(tx, {
          ...{ ...registered.measure, task_definition_id: undefined, org_id: undefined, is_system: undefined },
          version: '1.1.0',
          service_config: { resources: { cpu: '2000m', 'nvidia.com/gpu': 1 } },
        }),
      );
      expect(await set.runner.resolve(set.orgId, 'measure@^1')).toMatchObject({
        version: '1.1.0',
        resourceClass: 'gpu',
      });
    });

    test('a request gets its defaults, and is the same however its file is given', async () => {
      await using set = await setUp();
      const { taskDefinitionId } = await set.runner.resolve(set.orgId, 'measure');
      const molecule = await set.store(MOLECULE);
      const prepared = await set.runner.prepare(set.orgId, { taskDefinitionId, request: { molecule } });
      expect(prepared.request).toEqual({ molecule, scale: 1, cpu: 0 });
      expect(prepared.identity).toMatchObject({ taskKey: 'measure', ignoredPointers: ['/cpu'] });
      expect(
        (await set.runner.prepare(set.orgId, { taskDefinitionId, request: { molecule: MOLECULE } })).request,
      ).toEqual(prepared.request);
    });

    test('a seeded task tells that its seed is missing, and which machine it asks for', async () => {
      await using set = await setUp();
      const text = JSON.stringify(registered.measure.interface_spec)
        .replace('"x-mad-cache":"ignore"', '"x-mad-cache":"seed"')
        .replace(/"default":0,/, '');
      await inOrganization(metadata(), set.orgId, (tx) =>
        insertTaskDefinition(tx, {
          ...{ ...registered.measure, task_definition_id: undefined, org_id: undefined, is_system: undefined },
          ...{
            version: '1.2.0',
            interface_spec: JSON.parse(text),
            interface_digest: null,
            determinism: 'seeded' as const,
          },
          service_config: { platform: 'Linux/amd64' },
        }),
      );
      const { taskDefinitionId } = await set.runner.resolve(set.orgId, 'measure@1.2.0');
      const prepare = (request: JsonObject) => set.runner.prepare(set.orgId, { taskDefinitionId, request });
      const unseeded = await prepare({ molecule: MOLECULE });
      expect(unseeded.identity.architecture).toBe('linux/amd64');
      expect(unseeded.missingSeed).toMatchObject({ pointer: '/cpu', minimum: 0 });
      expect(unseeded.request).not.toHaveProperty('cpu');
      expect((await prepare({ molecule: MOLECULE, cpu: 0 })).missingSeed).toBeUndefined();
    });

    test.each([
      ['nothing', {}, /molecule/],
      ['an unknown property', { molecule: 'ATOM', scal: 1 }, /scal/],
      ['a value out of range', { molecule: 'ATOM', scale: 0 }, /scale/],
      [
        'an artifact where no file is taken',
        { molecule: 'ATOM', scale: { $artifact: '0'.repeat(64), contentType: 'x', sizeBytes: 1 } },
        /scale/,
      ],
      ['a malformed reference', { molecule: { $artifact: 'zz', contentType: 'x', sizeBytes: 1 } }, /molecule/],
    ])('%s is refused', async (_, request, message) => {
      await using set = await setUp();
      const { taskDefinitionId } = await set.runner.resolve(set.orgId, 'measure');
      const prepared = set.runner.prepare(set.orgId, { taskDefinitionId, request });
      await expect(prepared).rejects.toThrow(ValidationFailedError);
      await expect(prepared).rejects.toThrow(message);
    });

    test("another organization's task is not found", async () => {
      await using set = await setUp();
      const other = await insertTestOrganization(metadata());
      const { task_definition_id: taskDefinitionId } = set.definitions.measure;
      await expect(set.runner.prepare(other, { taskDefinitionId, request: {} })).rejects.toThrow(NotFoundError);
      await expect(set.runner.run(set.call('measure', {}, { orgId: other }))).rejects.toThrow(NotFoundError);
    });
  });

  describe('run', () => {
    test('sends files as text, and returns those of the response as stored artifacts', async () => {
      await using set = await setUp();
      const outcome = await set.runner.run(set.call('measure', { molecule: await set.store(MOLECULE), scale: 2 }));
      expect(outcome).toMatchObject({
        result: {
          atoms: 2,
          files: [
            { name: 'report', content: { $artifact: expect.any(String), contentType: 'text/plain', sizeBytes: 8 } },
          ],
        },
        serviceName: 'measure',
        schemaVersion: '1.0.0',
        serviceId: expect.any(String),
      });
      const content = (outcome.result as { files: [{ content: ArtifactReference }] }).files[0].content;
      expect(isArtifactReference(content)).toBe(true);
      expect(await readArtifactText(set.artifacts, { orgId: set.orgId, digest: content.$artifact })).toBe('atoms 4\n');
      expect(outcome.computeMs).toBeGreaterThan(0);
      expect(await set.health()).toEqual([[`${url}/measure`, 'healthy']]);
    });

    test('passes progress on, and stops at the deadline or when it is told to', async () => {
      await using set = await setUp();
      const progress: number[] = [];
      const outcome = await set.runner.run(
        set.call('wait', { ms: 200 }, { onProgress: (fraction) => progress.push(fraction) }),
      );
      expect(outcome.result).toEqual({ waitedMs: 200 });
      expect(progress.length).toBeGreaterThan(1);
      await expect(set.runner.run(set.call('wait', { ms: 60_000 }, { timeoutMs: 100 }))).rejects.toMatchObject({
        failureCode: 'TIMEOUT',
        retryable: true,
      });
      const leaving = new AbortController();
      const called = set.runner.run(set.call('wait', { ms: 60_000 }, { signal: leaving.signal }));
      void setTimeout(100).then(() => leaving.abort());
      await expect(called).rejects.toMatchObject({ failureCode: 'CANCELED', retryable: false });
    });

    test('a request that cannot be sent fails before any call', async () => {
      await using set = await setUp();
      const missing = { $artifact: '0'.repeat(64), contentType: 'chemical/x-pdb', sizeBytes: 1 };
      await expect(set.runner.run(set.call('measure', { molecule: missing }))).rejects.toMatchObject({
        failureCode: 'ARTIFACT_NOT_FOUND',
        retryable: false,
      });
      await expect(set.runner.run(set.call('measure', { scale: 1 }))).rejects.toMatchObject({
        failureCode: 'VALIDATION_FAILED',
        retryable: false,
      });
      const empty = await set.store('');
      await expect(set.runner.run(set.call('measure', { molecule: empty }))).rejects.toMatchObject({
        failureCode: 'VALIDATION_FAILED',
      });
    });

    test('refuses a response that a row cannot hold', async () => {
      await using server = await startServer((request, response) => {
        response.writeHead(200, { 'content-type': 'application/json' });
        response.end(
          JSON.stringify(request.method === 'GET' ? {} : { atoms: 1, files: [{ name: 'a\0b', content: 'fine: \0' }] }),
        );
      });
      await using set = await setUp({ serviceUrls: [server.url], allowedOrigins: [server.url] });
      const called = set.runner.run(set.call('measure', { molecule: MOLECULE }));
      await expect(called).rejects.toMatchObject({
        failureCode: 'CONTRACT_VIOLATION',
        message: expect.stringContaining('/files/0/name'),
      });
    });
  });

  describe('the choice of a service', () => {
    test('without a registered service says what to do', async () => {
      await using set = await setUp({ serviceUrls: [] });
      const called = set.runner.run(set.call('measure', { molecule: MOLECULE }));
      await expect(called).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
      await expect(called).rejects.toThrow(/measure@1\.0\.0.*registerTaskService/);
    });

    test('passes over a service that does not answer, and records it', async () => {
      const dead = await deadUrl();
      await using set = await setUp({ serviceUrls: [dead, `${url}/measure`], allowedOrigins: [url, dead] });
      for (let n = 0; n < 3; n++) await set.runner.run(set.call('measure', { molecule: MOLECULE }));
      expect(new Map((await set.health()) as [string, string][])).toEqual(
        new Map([
          [dead, 'unhealthy'],
          [`${url}/measure`, 'healthy'],
        ]),
      );
    });

    test('finds a service again that was restarted, and fails clearly while it is down', async () => {
      const answer = { atoms: 1, files: [] };
      const start = (port?: number) =>
        startServer((request, response) => {
          response
            .writeHead(200, { 'content-type': 'application/json', connection: 'close' })
            .end(JSON.stringify(request.method === 'GET' ? {} : answer));
        }, port);
      const first = await start();
      await using set = await setUp({ serviceUrls: [first.url], allowedOrigins: [first.url] });
      const run = () => set.runner.run(set.call('measure', { molecule: MOLECULE }));
      await run();
      await first[Symbol.asyncDispose]();
      await expect(run()).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
      expect(await set.health()).toEqual([[first.url, 'unhealthy']]);
      await expect(run()).rejects.toThrow(/none of the 1 registered services of measure@1\.0\.0 answers/);
      await using second = await start(Number(new URL(first.url).port));
      expect(second.url).toBe(first.url);
      expect((await run()).result).toEqual(answer);
    });

    test('waits for room at a service that tells how much it can take', async () => {
      let [running, most] = [0, 0];
      await using server = await startServer(async (request, response) => {
        if (request.method === 'POST') {
          most = Math.max(most, ++running);
          await setTimeout(100);
          running--;
        }
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ atoms: 1, files: [] }));
      });
      await using set = await setUp({ serviceUrls: [server.url], allowedOrigins: [server.url] });
      const { items } = await listTaskServiceHealth(metadata(), callerOf(set.orgId));
      const load = { capacity: 2, running: 0, waiting: 0, draining: false };
      for (const { serviceId } of items)
        await heartbeatTaskService(metadata(), callerOf(set.orgId), { serviceId, load });
      const run = () => set.runner.run(set.call('measure', { molecule: MOLECULE }));
      await Promise.all(Array.from({ length: 5 }, run));
      expect(most).toBe(2);
    });

    test('makes no more calls to a service behind which nobody answers', async () => {
      await using server = await startServer((request, response) => {
        response.writeHead(request.method === 'POST' ? 502 : 404).end();
      });
      await using set = await setUp({ serviceUrls: [server.url], allowedOrigins: [server.url] });
      const { items } = await listTaskServiceHealth(metadata(), callerOf(set.orgId));
      for (const { serviceId } of items) await heartbeatTaskService(metadata(), callerOf(set.orgId), { serviceId });
      const run = () => set.runner.run(set.call('measure', { molecule: MOLECULE }));
      const failed = await Promise.allSettled(Array.from({ length: 5 }, run));
      expect(failed.map((one) => one.status === 'rejected' && String(one.reason))).toEqual(
        Array(5).fill(expect.stringContaining('502')),
      );
      const sent = server.seen.length;
      await expect(run()).rejects.toMatchObject({
        failureCode: 'SERVICE_UNAVAILABLE',
        retryable: true,
        details: { nextTrialAt: expect.any(String) },
      });
      expect(server.seen.length).toBe(sent);
    });

    test('gives each call to the service with the fewest open ones', async () => {
      const counts = new Map<string, number>();
      // Nobody is answered before all have been asked, so that every choice is made with the earlier calls still open.
      const everyCallIsOpen = Promise.withResolvers<void>();
      const start = () =>
        startServer(async (request, response) => {
          if (request.method === 'POST') {
            counts.set(String(request.headers.host), (counts.get(String(request.headers.host)) ?? 0) + 1);
            if ([...counts.values()].reduce((sum, count) => sum + count, 0) === 6) everyCallIsOpen.resolve();
            await everyCallIsOpen.promise;
          }
          response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ atoms: 1, files: [] }));
        });
      await using a = await start();
      await using b = await start();
      await using set = await setUp({ serviceUrls: [a.url, b.url], allowedOrigins: [a.url, b.url] });
      await Promise.all(Array.from({ length: 6 }, () => set.runner.run(set.call('measure', { molecule: MOLECULE }))));
      expect([...counts.values()]).toEqual([3, 3]);
    });

    test('never connects to where the operator did not allow it', async () => {
      await using stub = await startServer((_, response) => response.end('{}'));
      await using set = await setUp({ serviceUrls: [stub.url] });
      const called = set.runner.run(set.call('measure', { molecule: MOLECULE }));
      await expect(called).rejects.toThrow(OriginNotAllowedError);
      await expect(called).rejects.toMatchObject({
        retryable: false,
        message: expect.stringContaining('allowedOrigins'),
      });
      expect(stub.seen).toEqual([]);
    });

    test("serves another organization's calls of a system task", async () => {
      const { task_definition_id: taskDefinitionId } = await registerTask(metadata(), callerOf(SYSTEM_ORG_ID), {
        document: measure.document,
        version: '7.0.0',
      });
      await registerTaskService(metadata(), callerOf(SYSTEM_ORG_ID), {
        taskDefinitionId,
        serviceUrl: `${url}/measure/`,
      });
      await registerTaskService(metadata(), callerOf(SYSTEM_ORG_ID), {
        taskDefinitionId,
        serviceUrl: `${url}/measure`,
      });
      await using set = await setUp();
      const outcome = await set.runner.run(set.call('measure', { molecule: MOLECULE }, { taskDefinitionId }));
      expect(outcome).toMatchObject({ result: { atoms: 2 }, schemaVersion: '7.0.0' });
      const { items } = await inOrganization(metadata(), SYSTEM_ORG_ID, (tx) =>
        listTaskServices(tx, { taskDefinitionId }),
      );
      expect(items).toMatchObject([{ service_url: `${url}/measure`, health_status: 'healthy' }]);
    });

    test.each(['ftp://127.0.0.1/x', 'http://user:secret@127.0.0.1/x', 'not a url', 'http://127.0.0.1/?a=b'])(
      'refuses to register %s',
      async (serviceUrl) => {
        await using set = await setUp();
        const { task_definition_id: taskDefinitionId } = set.definitions.measure;
        const registered = registerTaskService(metadata(), callerOf(set.orgId), { taskDefinitionId, serviceUrl });
        await expect(registered).rejects.toThrow(ValidationFailedError);
        await expect(registered).rejects.not.toThrow(/secret/);
      },
    );
  });
});

test.each([['http://127.0.0.1:1/path'], ['127.0.0.1:1'], ['file:///etc'], ['http://u:p@h']])(
  'allowedOrigins refuses %s',
  (entry) => {
    const artifacts = createLocalArtifactStore({ folder: tmpdir() });
    expect(() => createTaskRunner({ metadata: {} as never, artifacts, allowedOrigins: [entry] })).toThrow(
      ValidationFailedError,
    );
  },
);
