import { setTimeout } from 'node:timers/promises';
import SwaggerParser from '@apidevtools/swagger-parser';
import { createTaskService, defineOperation, OperationInvalidError } from '@mad/tasks/service';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { measure, wait } from '../operations.ts';
import { controlled, until } from './controlled.ts';
import { serve } from './serve.ts';

const MOLECULE = 'ATOM 1\nATOM 2\n';

describe('a service made with the kit', () => {
  test('serves a document for each operation that the OpenAPI specification accepts', async () => {
    await using served = await serve();
    for (const taskKey of ['measure', 'wait']) {
      const { body } = await served.call('GET', `/${taskKey}/openapi.json`);
      expect(body.openapi).toBe('3.1.0');
      await SwaggerParser.validate(structuredClone(body) as never, { resolve: { external: false } });
    }
    const { body } = await served.call('GET', '/measure/openapi.json');
    expect(body).toMatchObject({
      info: {
        title: 'Measure a molecule',
        version: '1.0.0',
        'x-mad': { taskKey: 'measure', determinism: 'exact', producer: 'measure 1.0.0' },
      },
      components: {
        schemas: {
          Request: {
            properties: {
              molecule: { type: 'string', contentMediaType: 'chemical/x-pdb' },
              cpu: { 'x-mad-cache': 'ignore' },
            },
            required: ['molecule'],
          },
        },
      },
    });
  });

  test('answers a valid request with the result', async () => {
    await using served = await serve();
    const { status, body } = await served.call('POST', '/measure/execute', { body: { molecule: MOLECULE } });
    expect(status).toBe(200);
    expect(body).toEqual({ atoms: 2, files: [{ name: 'report', content: 'atoms 2\n' }] });
  });

  test('names every fault of a request, an unknown property too', async () => {
    await using served = await serve();
    const { status, body } = await served.call('POST', '/measure/execute', { body: { molecule: '', scal: 2 } });
    expect(status).toBe(422);
    expect(body).toMatchObject({ error: { code: 'VALIDATION_FAILED', retryable: false } });
    expect(JSON.stringify(body)).toContain('"/molecule"');
    expect(JSON.stringify(body)).toContain('scal');
  });

  test('answers a code of the domain with its status', async () => {
    await using served = await serve();
    const { status, body } = await served.call('POST', '/measure/execute', { body: { molecule: 'HETATM' } });
    expect(status).toBe(422);
    expect(body).toEqual({
      error: { code: 'NO_ATOMS', message: 'the molecule has no atoms; pass a PDB with ATOM records', retryable: false },
    });
  });

  test('keeps the reason of an unexpected failure out of its answer, and logs it', async () => {
    const logged: object[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void logged.push(facts) };
    const broken = (run: () => { ok: boolean }) =>
      defineOperation({
        taskKey: 'broken',
        version: '1.0.0',
        title: '',
        description: '',
        determinism: 'exact',
        request: z.object({}),
        response: z.object({ ok: z.boolean() }),
        run,
      });
    const faults = [() => Promise.reject(new TypeError('password hunter2')) as never, () => ({ ok: 'no' as never })];
    for (const run of faults) {
      await using served = await serve({ operations: [broken(run)], logger });
      const { status, body } = await served.call('POST', '/broken/execute', { body: {} });
      expect(status).toBe(500);
      expect(body).toMatchObject({ error: { code: 'INTERNAL_ERROR', retryable: true } });
      expect(JSON.stringify(body)).not.toContain('hunter2');
    }
    expect(logged).toHaveLength(2);
  });

  test.each([
    { what: 'text that is not JSON', body: '{', type: 'application/json', status: 400, code: 'INVALID_JSON' },
    { what: 'another content type', body: '{}', type: 'text/plain', status: 415, code: 'UNSUPPORTED_MEDIA_TYPE' },
    {
      what: 'more than the limit',
      body: `"${'x'.repeat(5_000)}"`,
      type: 'application/json',
      status: 413,
      code: 'PAYLOAD_TOO_LARGE',
    },
  ])('refuses a body of $what', async ({ body, type, status, code }) => {
    await using served = await serve({ maxRequestBytes: 1_000 });
    const answer = await served.call('POST', '/measure/execute', { body, headers: { 'content-type': type } });
    expect(answer).toMatchObject({ status, body: { error: { code } } });
  });

  test.each([
    ['GET', '/nothing/openapi.json', 404],
    ['GET', '/measure', 404],
    ['GET', '/measure/executions/x', 404],
    ['GET', '/wait/executions/x', 404],
    ['GET', '/measure/execute', 405],
    ['POST', '/health', 405],
  ])('answers %s %s with %i', async (method, path, status) => {
    await using served = await serve();
    expect((await served.call(method, path)).status).toBe(status);
  });

  test('tells its health for all operations and for each', async () => {
    await using served = await serve();
    expect(await served.call('GET', '/health')).toMatchObject({
      status: 200,
      body: { status: 'healthy', operations: { measure: { running: 0 }, wait: { waiting: 0 } } },
    });
    expect((await served.call('GET', '/wait/health')).body).toEqual({
      status: 'healthy',
      operations: { wait: { running: 0, waiting: 0 } },
    });
  });
});

describe('a long-running operation', () => {
  test('is accepted at once and asked for until it ended', async () => {
    await using served = await serve();
    const accepted = await served.call('POST', '/wait/execute', { body: { ms: 40 } });
    expect(accepted.status).toBe(202);
    expect(accepted.headers.get('retry-after')).toBe('0');
    expect(accepted.headers.get('location')).toBe(`executions/${accepted.body.execution_id}`);
    const location = `/wait/executions/${accepted.body.execution_id}`;
    const seen: unknown[] = [];
    for (;;) {
      const { body, headers } = await served.call('GET', location, { headers: { prefer: 'wait=5' } });
      seen.push(body.progress);
      if (body.status === 'COMPLETED') {
        expect(body.result).toEqual({ waitedMs: 40 });
        break;
      }
      expect(headers.get('preference-applied')).toBe('wait=5');
    }
    expect(seen).toEqual([...seen].sort());
    expect(seen.length).toBeGreaterThan(2);
  });

  test('tells the failure of its handler', async () => {
    await using served = await serve();
    const { body } = await served.call('POST', '/wait/execute', { body: { ms: 0, failWith: 'NO_POSES' } });
    await setTimeout(30);
    const state = await served.call('GET', `/wait/executions/${body.execution_id}`);
    expect(state.body).toMatchObject({
      status: 'FAILED',
      error: { code: 'NO_POSES', retryable: false, details: { waitedMs: 0 } },
    });
  });

  test('stops when it is deleted', async () => {
    const { operation, seen } = controlled(true);
    await using served = await serve({ operations: [operation] });
    const { headers } = await served.call('POST', '/controlled/execute', { body: {} });
    const location = `/controlled/${headers.get('location')}`;
    await served.call('DELETE', location);
    await until(() => seen.aborted === 1);
    expect((await served.call('GET', location)).body).toMatchObject({ status: 'CANCELED' });
  });

  test('runs as many as its concurrency, queues to its bound, and answers 503 beyond it', async () => {
    const { operation, seen, open } = controlled(true);
    await using served = await serve({ operations: [operation], concurrency: 2, queueLimit: 2 });
    const answers = [];
    for (let n = 0; n < 5; n++) answers.push(await served.call('POST', '/controlled/execute', { body: { n } }));
    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202, 202, 503]);
    expect(answers[4]).toMatchObject({ body: { error: { code: 'SERVICE_UNAVAILABLE', retryable: true } } });
    expect(answers[4]?.headers.get('retry-after')).toBe('1');
    expect(seen.begun).toBe(2);
    // One that is canceled while it waits frees its place in the queue and never begins.
    await served.call('DELETE', `/controlled/${answers[3]?.headers.get('location')}`);
    expect((await served.call('POST', '/controlled/execute', { body: { n: 5 } })).status).toBe(202);
    open();
    await until(() => seen.begun === 4);
    await setTimeout(20);
    expect(seen).toEqual({ begun: 4, aborted: 0 });
  });
});

describe('an Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' };

  test('leads to the execution it began, running or ended', async () => {
    const { operation, seen, open } = controlled(true);
    await using served = await serve({ operations: [operation] });
    const first = await served.call('POST', '/controlled/execute', { body: {}, headers });
    const second = await served.call('POST', '/controlled/execute', { body: {}, headers });
    expect(second.body.execution_id).toBe(first.body.execution_id);
    open();
    await setTimeout(20);
    expect(await served.call('POST', '/controlled/execute', { body: {}, headers })).toMatchObject({
      status: 200,
      body: { run: 1 },
    });
    expect(seen.begun).toBe(1);
  });

  test('joins two callers of a short operation to one execution, which survives the first one leaving', async () => {
    const { operation, seen, open } = controlled(false);
    await using served = await serve({ operations: [operation] });
    const leaving = new AbortController();
    const first = served
      .call('POST', '/controlled/execute', { body: {}, headers, signal: leaving.signal })
      .catch(() => 'left');
    await until(() => seen.begun === 1);
    const second = served.call('POST', '/controlled/execute', { body: {}, headers });
    await setTimeout(30);
    leaving.abort();
    expect(await first).toBe('left');
    await setTimeout(30);
    open();
    expect(await second).toMatchObject({ status: 200, body: { run: 1 } });
    expect(seen).toEqual({ begun: 1, aborted: 0 });
  });

  test('with another request is refused', async () => {
    await using served = await serve();
    await served.call('POST', '/measure/execute', { body: { molecule: MOLECULE }, headers });
    const again = await served.call('POST', '/measure/execute', { body: { molecule: `${MOLECULE}ATOM 3\n` }, headers });
    expect(again).toMatchObject({ status: 409, body: { error: { code: 'IDEMPOTENCY_KEY_REUSED' } } });
  });

  test('runs anew after a failure that may pass, and not after one that stays', async () => {
    let runs = 0;
    const flaky = defineOperation({
      taskKey: 'flaky',
      version: '1.0.0',
      title: '',
      description: '',
      determinism: 'exact',
      request: z.object({}),
      response: z.object({ runs: z.int() }),
      run: () => {
        if (++runs === 1) throw new TypeError('no luck');
        return { runs };
      },
    });
    await using served = await serve({ operations: [flaky, wait] });
    expect((await served.call('POST', '/flaky/execute', { body: {}, headers })).status).toBe(500);
    expect(await served.call('POST', '/flaky/execute', { body: {}, headers })).toMatchObject({
      status: 200,
      body: { runs: 2 },
    });
    expect(await served.call('POST', '/flaky/execute', { body: {}, headers })).toMatchObject({
      status: 200,
      body: { runs: 2 },
    });
    const failing = { body: { ms: 0, failWith: 'NO_POSES' }, headers };
    const first = await served.call('POST', '/wait/execute', failing);
    await setTimeout(30);
    expect(await served.call('POST', '/wait/execute', failing)).toMatchObject({
      status: 422,
      body: { error: { code: 'NO_POSES' } },
    });
    expect((await served.call('GET', `/wait/executions/${first.body.execution_id}`)).body.status).toBe('FAILED');
  });

  test('is forgotten with its execution', async () => {
    await using served = await serve({ retainCount: 1 });
    const executed = async (key: string) =>
      served.call('POST', '/wait/execute', { body: { ms: 0 }, headers: { 'idempotency-key': key } });
    const first = await executed('a');
    await setTimeout(20);
    await executed('b');
    await setTimeout(20);
    expect((await served.call('GET', `/wait/executions/${first.body.execution_id}`)).status).toBe(404);
    expect((await executed('a')).status).toBe(202);
  });
});

describe('cancellation', () => {
  test('a short execution stops when its only caller hangs up', async () => {
    const { operation, seen } = controlled(false);
    await using served = await serve({ operations: [operation] });
    const leaving = new AbortController();
    const call = served.call('POST', '/controlled/execute', { body: {}, signal: leaving.signal }).catch(() => 'left');
    await until(() => seen.begun === 1);
    leaving.abort();
    expect(await call).toBe('left');
    await until(() => seen.aborted === 1);
  });
});

describe('defineOperation', () => {
  const facts = {
    taskKey: 'x',
    version: '1.0.0',
    title: '',
    description: '',
    determinism: 'exact',
    response: z.object({}),
    run: () => ({}),
  } as const;

  test('refuses what it could not serve', () => {
    expect(() => defineOperation({ ...facts, request: z.object({ at: z.date() }) })).toThrow(OperationInvalidError);
    expect(() => defineOperation({ ...facts, taskKey: 'No Slug', request: z.object({}) })).toThrow(
      OperationInvalidError,
    );
    expect(() => defineOperation({ ...facts, version: '1', request: z.object({}) })).toThrow(OperationInvalidError);
    expect(() => createTaskService({ operations: [measure, measure] })).toThrow(OperationInvalidError);
  });

  test('documents recursive schemas', async () => {
    const tree = z.object({
      name: z.string(),
      get children() {
        return z.array(tree);
      },
    });
    const { document } = defineOperation({
      ...facts,
      request: z.object({ tree }),
      response: tree,
      run: ({ tree }) => tree,
    });
    await SwaggerParser.validate(structuredClone(document) as never, { resolve: { external: false } });
    expect(JSON.stringify(document)).not.toContain('#/$defs');
  });
});
