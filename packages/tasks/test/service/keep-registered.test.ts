import { setTimeout } from 'node:timers/promises';
import { createTaskService, type InstanceFacts, keepRegistered, type ServiceRegistration } from '@mad/tasks/service';
import { expect, test } from 'vitest';
import { measure, wait } from '../operations.ts';
import { controlled, until } from './controlled.ts';

/** A registry in memory that can be away, or never answer, or forget. */
class Registry implements ServiceRegistration {
  readonly events: string[] = [];
  readonly known = new Map<string, InstanceFacts>();
  mode: 'here' | 'away' | 'silent' = 'here';

  async register(facts: InstanceFacts) {
    const { taskKey } = facts;
    await this.#answer(`register ${taskKey}`);
    this.known.set(taskKey, facts);
    return {
      heartbeat: async ({ running, waiting, draining }: { running: number; waiting: number; draining: boolean }) => {
        await this.#answer(`heartbeat ${taskKey} ${running}+${waiting}${draining ? ' draining' : ''}`);
        if (!this.known.has(taskKey)) throw new TypeError('nobody of this name');
      },
      deregister: async () => {
        await this.#answer(`deregister ${taskKey}`);
        this.known.delete(taskKey);
      },
    };
  }

  count(event: string): number {
    return this.events.filter((one) => one === event).length;
  }

  async #answer(event: string): Promise<void> {
    this.events.push(event);
    if (this.mode === 'away') throw new TypeError('the registry is away');
    if (this.mode === 'silent') await new Promise(() => {});
  }
}

const url = 'http://10.0.0.7:8080/';

test('a service registers each operation, tells its load, says when it drains, and takes itself out', async () => {
  const registry = new Registry();
  const { operation, open } = controlled(true);
  const service = createTaskService({ operations: [operation, measure], concurrency: 3 });
  keepRegistered(service, { registration: registry, url, heartbeatMs: 20 });
  await until(() => registry.known.size === 2);
  expect(registry.known.get('controlled')).toEqual({
    taskKey: 'controlled',
    serviceUrl: 'http://10.0.0.7:8080/controlled',
    document: operation.document,
    capacity: 3,
  });
  await until(() => registry.count('heartbeat controlled 0+0') > 2);
  const address = 'http://host.example/controlled/execute';
  const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
  for (let n = 0; n < 4; n++) await service.fetch(new Request(address, { ...init, body: JSON.stringify({ n }) }));
  await until(() => registry.count('heartbeat controlled 3+1') > 0);
  const closing = service.close({ graceMs: 500 });
  await until(() => registry.count('heartbeat controlled 3+1 draining') > 0);
  expect(registry.count('deregister controlled')).toBe(0);
  open();
  await closing;
  expect(registry.known.size).toBe(0);
  const { length } = registry.events;
  await setTimeout(60);
  expect(registry.events).toHaveLength(length);
  expect(registry.count('register controlled')).toBe(1);
});

test('draining is said at once, however far the next heartbeat is', async () => {
  const registry = new Registry();
  const { operation, open } = controlled(true);
  const service = createTaskService({ operations: [operation] });
  keepRegistered(service, { registration: registry, url, heartbeatMs: 60_000 });
  await until(() => registry.count('heartbeat controlled 0+0') === 1);
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: '{}' };
  await service.fetch(new Request('http://host.example/controlled/execute', init));
  const closing = service.close({ graceMs: 500 });
  await until(() => registry.count('heartbeat controlled 1+0 draining') === 1);
  open();
  await closing;
});

test('a registry that is away ends nothing, and is asked until it is back', async () => {
  const logged: object[] = [];
  const logger = { debug() {}, info() {}, warn: (facts: object) => void logged.push(facts), error() {} };
  const registry = new Registry();
  registry.mode = 'away';
  await using service = createTaskService({ operations: [measure] });
  keepRegistered(service, { registration: registry, url, heartbeatMs: 20, logger });
  await until(() => logged.length === 1);
  expect(logged[0]).toMatchObject({ taskKey: 'measure', faults: 1, err: expect.any(TypeError) });
  expect((await service.fetch(new Request('http://host.example/ready'))).status).toBe(200);
  registry.mode = 'here';
  await until(() => registry.known.size === 1);
});

test('a registry that has forgotten the service is told again', async () => {
  const registry = new Registry();
  await using service = createTaskService({ operations: [measure] });
  keepRegistered(service, { registration: registry, url, heartbeatMs: 10 });
  await until(() => registry.known.size === 1);
  registry.known.clear();
  await until(() => registry.known.size === 1);
  expect(registry.count('register measure')).toBe(2);
});

test('a registry that does not answer cannot hold the end of a service', async () => {
  const registry = new Registry();
  const service = createTaskService({ operations: [measure] });
  keepRegistered(service, { registration: registry, url, heartbeatMs: 10 });
  await until(() => registry.known.size === 1);
  registry.mode = 'silent';
  await setTimeout(30);
  const begun = performance.now();
  await service.close();
  expect(performance.now() - begun).toBeLessThan(8_000);
  expect(registry.count('deregister measure')).toBe(1);
}, 10_000);

test('a service is not registered before it is ready, and never when it does not become so', async () => {
  const registry = new Registry();
  const prepared = Promise.withResolvers<void>();
  const service = createTaskService({ operations: [wait], prepare: () => prepared.promise });
  keepRegistered(service, { registration: registry, url });
  await setTimeout(30);
  expect(registry.events).toEqual([]);
  prepared.resolve();
  await until(() => registry.known.size === 1);
  await service.close();
  expect(registry.known.size).toBe(0);

  const failing = createTaskService({ operations: [wait], prepare: () => Promise.reject(new TypeError('no program')) });
  const unasked = new Registry();
  keepRegistered(failing, { registration: unasked, url });
  await setTimeout(30);
  await failing.close();
  expect(unasked.events).toEqual([]);
});

test('a service that closes already is not registered any more', async () => {
  const registry = new Registry();
  const service = createTaskService({ operations: [measure] });
  await service.close();
  keepRegistered(service, { registration: registry, url });
  await setTimeout(30);
  expect(registry.events).toEqual([]);
});
