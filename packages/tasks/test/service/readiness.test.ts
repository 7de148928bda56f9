import { expect, test } from 'vitest';
import { controlled, until } from './controlled.ts';
import { serve } from './serve.ts';

const unavailable = { error: { code: 'SERVICE_UNAVAILABLE', retryable: true } };

test('a service that is being prepared is healthy, not ready, and takes no work', async () => {
  const prepared = Promise.withResolvers<void>();
  await using served = await serve({ prepare: () => prepared.promise });
  expect(await served.call('GET', '/health')).toMatchObject({ status: 200, body: { status: 'starting' } });
  for (const path of ['/ready', '/wait/ready'])
    expect(await served.call('GET', path)).toMatchObject({ status: 503, body: { status: 'starting' } });
  // Whatever the body is: it is not read.
  const refused = await served.call('POST', '/wait/execute', { body: '{' });
  expect(refused).toMatchObject({ status: 503, body: unavailable });
  expect(refused.headers.get('retry-after')).toBe('1');
  prepared.resolve();
  await served.service.ready();
  expect(await served.call('GET', '/ready')).toMatchObject({ status: 200, body: { status: 'ready' } });
  expect((await served.call('GET', '/measure/ready')).body).toEqual({
    status: 'ready',
    operations: { measure: { running: 0, waiting: 0 } },
  });
  expect((await served.call('POST', '/wait/execute', { body: { ms: 0 } })).status).toBe(202);
});

test('a service that cannot be prepared says so, and to its host why', async () => {
  const logged: object[] = [];
  const logger = { debug() {}, info() {}, warn() {}, error: (facts: object) => void logged.push(facts) };
  const cause = new TypeError('no program');
  await using served = await serve({ prepare: () => Promise.reject(cause), logger });
  await expect(served.service.ready()).rejects.toBe(cause);
  for (const path of ['/health', '/ready'])
    expect(await served.call('GET', path)).toMatchObject({ status: 503, body: { status: 'failed' } });
  expect(await served.call('POST', '/wait/execute', { body: { ms: 0 } })).toMatchObject({
    status: 503,
    body: unavailable,
  });
  expect(logged).toEqual([{ err: cause }]);
});

test('a service that has all the work it can take is still ready, one that stops is not', async () => {
  const { operation, seen, open } = controlled(false);
  await using served = await serve({ operations: [operation], concurrency: 1, queueLimit: 0 });
  const running = served.call('POST', '/controlled/execute', { body: {} });
  await until(() => seen.begun === 1);
  expect(await served.call('GET', '/ready')).toMatchObject({
    status: 200,
    body: { status: 'ready', operations: { controlled: { running: 1, waiting: 0 } } },
  });
  expect(await served.call('POST', '/controlled/execute', { body: {} })).toMatchObject({
    status: 503,
    body: unavailable,
  });
  const closing = served.service.close();
  for (const path of ['/health', '/ready', '/controlled/ready'])
    expect(await served.call('GET', path)).toMatchObject({ status: 503, body: { status: 'stopping' } });
  open();
  expect((await running).status).toBe(200);
  await closing;
});

test('closing tells what prepares the service to stop', async () => {
  const stopped = Promise.withResolvers<string>();
  const served = await serve({
    prepare: (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => {
          stopped.resolve('stopped');
          reject(signal.reason);
        });
      }),
  });
  await served.service.close();
  expect(await stopped.promise).toBe('stopped');
});
