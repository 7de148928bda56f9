import { connect, type Socket } from 'node:net';
import { setTimeout } from 'node:timers/promises';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { Agent, request } from 'undici';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { controlled, until } from './controlled.ts';
import { serve } from './serve.ts';

/** An operation that goes on whatever it is told. */
function deaf(longRunning: boolean) {
  const seen = { begun: 0 };
  const gate = Promise.withResolvers<Record<string, never>>();
  const operation = defineOperation({
    ...{ taskKey: 'deaf', version: '1.0.0', title: '', description: '', determinism: 'exact', longRunning },
    ...{ request: z.object({}), response: z.object({}) },
    run() {
      seen.begun++;
      return gate.promise;
    },
  });
  return { operation, seen, open: () => gate.resolve({}) };
}

const big = defineOperation({
  ...{ taskKey: 'big', version: '1.0.0', title: '', description: '', determinism: 'exact' },
  ...{ request: z.object({}), response: z.object({ text: z.string() }) },
  run: () => ({ text: 'x'.repeat(30_000_000) }),
});

/** Calls `big` and reads nothing until it is told to. */
function callUnread(url: string): Socket {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname)
    .on('error', () => {})
    .pause();
  socket.write(
    'POST /big/execute HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}',
  );
  return socket;
}

describe('closing', () => {
  test('lets what runs end, refuses new work meanwhile, and leaves nothing', async () => {
    const { operation, seen, open } = controlled(false);
    const served = await serve({ operations: [operation] });
    const running = served.call('POST', '/controlled/execute', { body: {} });
    await until(() => seen.begun === 1);
    const closing = served.service.close({ graceMs: 5_000 });
    const refused = await served.call('POST', '/controlled/execute', { body: { n: 1 } });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'SERVICE_UNAVAILABLE' } } });
    expect(refused.headers.get('connection')).toBe('close');
    open();
    expect(await running).toMatchObject({ status: 200 });
    await closing;
    await expect(fetch(`${served.url}/health`)).rejects.toThrow();
  });

  test('gives callers that ask from time to time the result of what ended meanwhile', async () => {
    const { operation, open } = controlled(true);
    const served = await serve({ operations: [operation] });
    const { body } = await served.call('POST', '/controlled/execute', { body: {} });
    const closing = served.service.close({ graceMs: 5_000 });
    open();
    await setTimeout(300);
    const state = await served.call('GET', `/controlled/executions/${body.execution_id}`);
    expect(state.body).toMatchObject({ status: 'COMPLETED', result: { run: 1 } });
    const told = performance.now();
    await closing;
    expect(performance.now() - told).toBeLessThan(500);
  });

  test('answers those who wait with Prefer as soon as their execution ends', async () => {
    const { operation, open } = controlled(true);
    const served = await serve({ operations: [operation] });
    const { body } = await served.call('POST', '/controlled/execute', { body: {} });
    const path = `/controlled/executions/${body.execution_id}`;
    const asking = served.call('GET', path, { headers: { prefer: 'wait=20' } });
    await setTimeout(50);
    const closing = served.service.close({ graceMs: 5_000 });
    open();
    expect((await asking).body).toMatchObject({ status: 'COMPLETED' });
    await closing;
  });

  test('cancels what does not end in its grace', async () => {
    const { operation, seen } = controlled(true);
    const served = await serve({ operations: [operation] });
    await served.call('POST', '/controlled/execute', { body: {} });
    await served.service.close({ graceMs: 20 });
    expect(seen.aborted).toBe(1);
  });

  test.each([true, false])('gives up on a handler that does not stop (long-running: %s)', async (longRunning) => {
    const logged: object[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void logged.push(facts) };
    const { operation, seen, open } = deaf(longRunning);
    const served = await serve({ operations: [operation], logger });
    const call = served.call('POST', '/deaf/execute', { body: {} });
    await until(() => seen.begun === 1);
    const begun = performance.now();
    await served.service.close({ graceMs: 20, cancelMs: 100 });
    expect(performance.now() - begun).toBeLessThan(1_000);
    expect((await call).status).toBe(longRunning ? 202 : 503);
    expect(logged).toEqual([{ taskKey: 'deaf', executionId: expect.any(String) }]);
    // What it gives in the end goes nowhere.
    open();
    await setTimeout(20);
    expect(logged).toHaveLength(1);
  });

  test('called again with less patience, hurries', async () => {
    const { operation, seen } = controlled(false);
    const served = await serve({ operations: [operation] });
    const call = served.call('POST', '/controlled/execute', { body: {} });
    await until(() => seen.begun === 1);
    const patient = served.service.close({ graceMs: 60_000 });
    await served.service.close({ graceMs: 0 });
    await patient;
    expect((await call).status).toBe(503);
  });

  test('is not held by kept-alive connections and connections that say nothing', async () => {
    const { service, url } = await serve();
    const { hostname, port } = new URL(url);
    const agent = new Agent({ keepAliveTimeout: 60_000 });
    await (await request(`${url}/health`, { dispatcher: agent })).body.dump();
    const silent = connect(Number(port), hostname).on('error', () => {});
    await setTimeout(100);
    const begun = performance.now();
    await service.close();
    expect(performance.now() - begun).toBeLessThan(1_000);
    await agent.close();
    silent.destroy();
  });

  test('lets those who read slowly read on, and is not held by those who do not read at all', async () => {
    const { service, url } = await serve({ operations: [big] });
    const slow = callUnread(url);
    const idle = callUnread(url);
    await setTimeout(500);
    const begun = performance.now();
    const closing = service.close();
    let bytes = 0;
    slow.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength;
    });
    slow.resume();
    await closing;
    expect(bytes).toBeGreaterThan(30_000_000);
    expect(performance.now() - begun).toBeGreaterThan(1_500);
    expect(performance.now() - begun).toBeLessThan(4_000);
    idle.destroy();
  });

  test('a service within a host is drained and takes no more work', async () => {
    const { operation, seen, open } = controlled(false);
    const service = createTaskService({ operations: [operation] });
    const call = () =>
      service.fetch(
        new Request('http://host.example/controlled/execute', {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body: '{}',
        }),
      );
    const running = call();
    await until(() => seen.begun === 1);
    const closing = service.close();
    expect((await call()).status).toBe(503);
    open();
    expect((await running).status).toBe(200);
    await closing;
    expect((await call()).status).toBe(503);
  });

  test('tells its listeners when it begins, and waits for them at its end', async () => {
    const { operation, seen, open } = controlled(false);
    const { service, url } = await serve({ operations: [operation] });
    const told: string[] = [];
    service.onClose({
      begins: () => told.push('begins'),
      ends: async () => {
        await setTimeout(30);
        told.push('ends');
      },
    });
    service.onClose({
      begins() {
        throw new TypeError('ignored');
      },
      ends: () => Promise.reject(new TypeError('ignored')),
    });
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
    const call = fetch(`${url}/controlled/execute`, init);
    await until(() => seen.begun === 1);
    const closing = service.close();
    expect(told).toEqual(['begins']);
    open();
    await call;
    await Promise.all([closing, service.close()]);
    expect(told).toEqual(['begins', 'ends']);
    service.onClose({ begins: () => told.push('late') });
    expect(told.at(-1)).toBe('late');
  });
});

describe('a server of its own', () => {
  test.each([
    ['what is not HTTP', 'hello\r\n\r\n', '400 BAD_REQUEST'],
    ['an address without end', `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nhost: x\r\n\r\n`, '431 HEADERS_TOO_LARGE'],
  ])('answers %s in the form of every error', async (_, bytes, expected) => {
    await using served = await serve();
    const { hostname, port } = new URL(served.url);
    const socket = connect(Number(port), hostname);
    socket.write(bytes);
    const chunks: string[] = [];
    for await (const chunk of socket) chunks.push(String(chunk));
    const [head = '', body = ''] = chunks.join('').split('\r\n\r\n');
    const { code } = (JSON.parse(body) as { error: { code: string } }).error;
    expect(`${/^HTTP\/1.1 (\d+) /.exec(head)?.[1]} ${code}`).toBe(expected);
  });
});
