import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout } from 'node:timers/promises';
import {
  inOrganization,
  insertTaskDefinition,
  type JsonObject,
  type Logger,
  silentLogger,
  systemClock,
  type TaskDefinitionRow,
  TaskFailedError,
  tellTaskServiceState,
  updateTaskService,
} from '@mad/core';
import { Agent } from 'undici';
import { beforeAll, describe, expect, test } from 'vitest';
import { createOutboundPolicy } from '../../src/client/exchange/outbound-policy.ts';
import { sendRequest } from '../../src/client/exchange/send-request.ts';
import {
  deregisterTaskService,
  drainTaskService,
  heartbeatTaskService,
  liftQuarantine,
  listTaskServiceHealth,
  registerTask,
  registerTaskService,
  resumeTaskService,
} from '../../src/index.ts';
import type { CircuitLimits } from '../../src/service-registry/circuit.ts';
import { type ChosenService, TaskServices } from '../../src/service-registry/task-services.ts';
import { callerOf, describeOnEachDatabase, insertTestOrganization } from '../each-metadata.ts';
import { deadUrl, startServer } from '../hand-made-server.ts';
import { measure } from '../operations.ts';

/** An instance that behaves as its test says at the moment. */
async function startInstance() {
  const state = { health: 200, document: undefined as JsonObject | string | undefined, asked: 0, shown: 0 };
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    response.setHeader('connection', 'close');
    if (request.url?.endsWith('/openapi.json')) {
      state.shown++;
      const text = typeof state.document === 'string' ? state.document : JSON.stringify(state.document);
      response.writeHead(state.document === undefined ? 404 : 200, { 'content-type': 'application/json' }).end(text);
      return;
    }
    state.asked++;
    response.writeHead(state.health).end('{}');
  };
  const server = await startServer(listener);
  return { ...server, state, url: server.url, [Symbol.asyncDispose]: () => server[Symbol.asyncDispose]() };
}

describeOnEachDatabase((metadata) => {
  let registered: TaskDefinitionRow;
  beforeAll(async () => {
    const orgId = await insertTestOrganization(metadata());
    registered = await registerTask(metadata(), callerOf(orgId), { document: measure.document });
  });

  interface SetUp {
    readonly urls: readonly string[];
    readonly serviceConfig?: JsonObject;
    readonly circuit?: CircuitLimits;
  }

  /** An organization with a task and its instances, and what a runner knows of them. */
  async function setUp({ urls, serviceConfig = {}, circuit }: SetUp) {
    const db = metadata();
    const orgId = await insertTestOrganization(db);
    const { task_definition_id: _, org_id, is_system, ...row } = registered;
    const definition = await inOrganization(db, orgId, (tx) =>
      insertTaskDefinition(tx, { ...row, service_config: serviceConfig }),
    );
    const { task_definition_id: taskDefinitionId } = definition;
    const ids: string[] = [];
    for (const serviceUrl of urls)
      ids.push((await registerTaskService(db, callerOf(orgId), { taskDefinitionId, serviceUrl })).service_id);
    const logged: [level: string, message: string][] = [];
    const log = (level: string) => (_facts: object, message: string) => void logged.push([level, message]);
    const logger: Logger = { ...silentLogger, info: log('info'), warn: log('warn') };
    const dispatcher = new Agent();
    const policy = createOutboundPolicy({ origins: urls.map((url) => new URL(url).origin) });
    const create = () => new TaskServices({ metadata: db, policy, dispatcher, clock: systemClock, logger, circuit });
    const services = create();
    const choose = (patienceMs = 0, signal = new AbortController().signal): Promise<ChosenService> =>
      services.choose(definition, { signal, patienceMs });
    const service = (index: number) => ({ serviceId: ids[index] ?? '' });
    const beat = (index: number, load = { capacity: 2, running: 0, waiting: 0, draining: false }) =>
      heartbeatTaskService(db, callerOf(orgId), { ...service(index), load });
    const health = async () => {
      const { items } = await listTaskServiceHealth(db, callerOf(orgId), { taskDefinitionId });
      return ids.map((id) => items.find(({ serviceId }) => serviceId === id));
    };
    return {
      ...{ db, orgId, definition, taskDefinitionId, ids, logged, services, create, choose, service, beat, health },
      dispatcher,
      async [Symbol.asyncDispose]() {
        await services[Symbol.asyncDispose]();
        await dispatcher.close();
      },
    };
  }

  /** Chooses until the runner's list is new, and gives what was chosen each time. */
  async function chooseFor(ms: number, choose: () => Promise<ChosenService>): Promise<ReadonlySet<string>> {
    const chosen = new Set<string>();
    for (const until = Date.now() + ms; Date.now() < until; await setTimeout(50)) {
      using service = await choose();
      chosen.add(service.serviceId);
    }
    return chosen;
  }

  describe('health', () => {
    test('is asked for as the task says, again before it counts as bad', async () => {
      await using flaky = await startInstance();
      flaky.state.health = 500;
      await using set = await setUp({
        urls: [flaky.url],
        serviceConfig: { health_check: { path: '/ready', retries: 3 } },
      });
      const choosing = set.choose();
      await setTimeout(250);
      flaky.state.health = 204;
      using service = await choosing;
      expect(service.serviceId).toBe(set.ids[0]);
      const seen = flaky.seen.filter((line) => line === 'GET /ready').length;
      expect(seen).toBeGreaterThanOrEqual(2);
      expect(await set.health()).toMatchObject([{ health: 'healthy' }]);
    });

    test('one that tells of itself is called without a question, one that fell silent is asked first', async () => {
      await using instance = await startInstance();
      await using set = await setUp({ urls: [instance.url] });
      await set.beat(0);
      (await set.choose())[Symbol.dispose]();
      expect(instance.state.asked).toBe(0);
      const old = { last_health_check: new Date(Date.now() - 60_000) };
      await inOrganization(set.db, set.orgId, (tx) => updateTaskService(tx, { serviceId: set.ids[0] ?? '', set: old }));
      await using later = set.create();
      const signal = new AbortController().signal;
      (await later.choose(set.definition, { signal, patienceMs: 0 }))[Symbol.dispose]();
      expect(instance.state.asked).toBe(1);
    });

    test('one that was not well comes back after its interval, though others are left', async () => {
      await using ill = await startInstance();
      await using well = await startInstance();
      ill.state.health = 500;
      const serviceConfig = { health_check: { interval: '1s', retries: 0 } };
      await using set = await setUp({ urls: [ill.url, well.url], serviceConfig });
      await set.choose().then((service) => service[Symbol.dispose]());
      expect(await set.health()).toMatchObject([{ health: 'unhealthy' }, { health: 'healthy' }]);
      const asked = ill.state.asked;
      expect(await chooseFor(500, set.choose)).toEqual(new Set([set.ids[1]]));
      expect(ill.state.asked).toBe(asked);
      ill.state.health = 200;
      expect(await chooseFor(2_000, set.choose)).toEqual(new Set(set.ids));
    });

    test('one that is not reached is out at once, and asked before it is called again though it says it lives', async () => {
      const dead = await deadUrl();
      await using well = await startInstance();
      await using set = await setUp({ urls: [dead, well.url] });
      await set.beat(0, { capacity: 100, running: 0, waiting: 0, draining: false });
      await set.beat(1, { capacity: 100, running: 50, waiting: 0, draining: false });
      using first = await set.choose();
      expect(first.serviceId).toBe(set.ids[0]);
      const asked = { method: 'POST', url: first.serviceUrl, signal: AbortSignal.timeout(5_000), maxResponseBytes: 1 };
      const failure: unknown = await sendRequest({ ...asked, dispatcher: set.dispatcher }).catch(
        (error: unknown) => error,
      );
      await first.noteFailure(failure);
      expect(await set.health()).toMatchObject([{ health: 'unhealthy' }, { health: 'healthy' }]);
      await set.beat(0, { capacity: 100, running: 0, waiting: 0, draining: false });
      expect(await chooseFor(1_500, set.choose)).toEqual(new Set([set.ids[1]]));
    });

    test('one that does not answer keeps no call from one that does', async () => {
      await using hanging = await startServer(() => {});
      await using well = await startInstance();
      await using set = await setUp({ urls: [hanging.url, well.url] });
      const begun = Date.now();
      using service = await set.choose();
      expect(service.serviceId).toBe(set.ids[1]);
      expect(Date.now() - begun).toBeLessThan(2_000);
    });

    test('what is found is written once an interval', async () => {
      const dead = await deadUrl();
      await using set = await setUp({ urls: [dead], serviceConfig: { health_check: { retries: 0 } } });
      const writtenAt = async () => (await set.health())[0]?.checkedAt?.getTime();
      await expect(set.choose()).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
      const first = await writtenAt();
      for (let n = 0; n < 3; n++) await expect(set.choose()).rejects.toThrow(/none of the 1/);
      expect(await writtenAt()).toBe(first);
      expect(set.logged).toEqual([['warn', 'a task service does not answer']]);
    });

    test('a health check that means nothing is the default, and told once', async () => {
      await using instance = await startInstance();
      const serviceConfig = { health_check: { interval: {}, timeout: 'never', path: 3, retries: 'many' } };
      await using set = await setUp({ urls: [instance.url], serviceConfig });
      for (let n = 0; n < 3; n++) (await set.choose())[Symbol.dispose]();
      expect(instance.seen).toContain('GET /health');
      expect(set.logged.filter(([, message]) => message.includes('means nothing'))).toHaveLength(1);
    });
  });

  describe('the choice', () => {
    test('spreads the first calls of many runners', async () => {
      await using one = await startInstance();
      await using other = await startInstance();
      await using set = await setUp({ urls: [one.url, other.url] });
      await set.beat(0);
      await set.beat(1);
      const chosen = new Set<string>();
      for (let n = 0; n < 40 && chosen.size < 2; n++) {
        await using runner = set.create();
        using service = await runner.choose(set.definition, { signal: new AbortController().signal, patienceMs: 0 });
        chosen.add(service.serviceId);
      }
      expect(chosen.size).toBe(2);
    });

    test('asks the registry once for many calls, and sees a new instance within two seconds', async () => {
      await using one = await startInstance();
      await using other = await startInstance();
      let lists = 0;
      await using set = await setUp({ urls: [one.url, other.url] });
      await deregisterTaskService(set.db, callerOf(set.orgId), set.service(1));
      const counting = set.db.withPlugin({
        transformQuery: ({ node }) => {
          if (node.kind === 'SelectQueryNode' && JSON.stringify(node.from).includes('task_services')) lists++;
          return node;
        },
        transformResult: async ({ result }) => result,
      });
      const policy = createOutboundPolicy({ origins: [one.url, other.url] });
      const { dispatcher } = set;
      const options = { metadata: counting, policy, dispatcher, clock: systemClock, logger: silentLogger };
      await using services = new TaskServices(options);
      const choose = () => services.choose(set.definition, { signal: new AbortController().signal, patienceMs: 0 });
      await set.beat(0);
      const all = await Promise.all(Array.from({ length: 2 }, choose));
      for (const service of all) service[Symbol.dispose]();
      for (let n = 0; n < 20; n++) (await choose())[Symbol.dispose]();
      expect(lists).toBe(1);
      const { taskDefinitionId, orgId } = set;
      const added = await registerTaskService(set.db, callerOf(orgId), { taskDefinitionId, serviceUrl: other.url });
      await heartbeatTaskService(set.db, callerOf(orgId), { serviceId: added.service_id });
      expect(await chooseFor(2_000, choose)).toContain(added.service_id);
      expect(lists).toBeLessThanOrEqual(4);
    });

    test('one that is registered after a list was made is found when there is no other', async () => {
      await using one = await startInstance();
      await using set = await setUp({ urls: [one.url] });
      await deregisterTaskService(set.db, callerOf(set.orgId), set.service(0));
      await expect(set.choose()).rejects.toThrow(/no service is registered for measure@1\.0\.0/);
      const { taskDefinitionId, orgId } = set;
      await registerTaskService(set.db, callerOf(orgId), { taskDefinitionId, serviceUrl: one.url });
      (await set.choose())[Symbol.dispose]();
    });

    test('leaves alone one that is drained, and work that it took over is asked for still', async () => {
      await using one = await startInstance();
      await using set = await setUp({ urls: [one.url] });
      await set.beat(0);
      await drainTaskService(set.db, callerOf(set.orgId), set.service(0));
      const refused = set.choose();
      await expect(refused).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
      await expect(refused).rejects.toThrow(/draining or in quarantine/);
      using known = await set.services.reopen(set.definition, set.ids[0] ?? '');
      expect(known?.serviceUrl.origin).toBe(one.url);
      await resumeTaskService(set.db, callerOf(set.orgId), set.service(0));
      (await set.choose())[Symbol.dispose]();
    });

    test('goes to where there is room, and waits where there is none', async () => {
      await using one = await startInstance();
      await using other = await startInstance();
      await using set = await setUp({ urls: [one.url, other.url] });
      await set.beat(0, { capacity: 2, running: 2, waiting: 0, draining: false });
      await set.beat(1, { capacity: 2, running: 0, waiting: 0, draining: false });
      const open = [await set.choose(), await set.choose()];
      expect(open.map(({ serviceId }) => serviceId)).toEqual([set.ids[1], set.ids[1]]);
      const begun = Date.now();
      const refused = set.choose(400);
      await expect(refused).rejects.toMatchObject({
        failureCode: 'SERVICE_UNAVAILABLE',
        retryable: true,
        details: { registered: 2, capacity: 4, load: 4 },
      });
      expect(Date.now() - begun).toBeGreaterThanOrEqual(100);
      const waiting = set.choose(10_000);
      void setTimeout(150).then(() => open[0]?.[Symbol.dispose]());
      using next = await waiting;
      expect(next.serviceId).toBe(set.ids[1]);
      const another = set.choose(10_000);
      await set.beat(0, { capacity: 2, running: 1, waiting: 0, draining: false });
      using freed = await another;
      expect(freed.serviceId).toBe(set.ids[0]);
      open[1]?.[Symbol.dispose]();
    });

    test('a call that is ended while it waits ends at once, and holds no place', async () => {
      await using one = await startInstance();
      await using set = await setUp({ urls: [one.url] });
      await set.beat(0, { capacity: 1, running: 0, waiting: 0, draining: false });
      const held = await set.choose();
      const ending = new AbortController();
      const reason = new TaskFailedError({ failureCode: 'CANCELED', message: 'over', retryable: false });
      void setTimeout(100).then(() => ending.abort(reason));
      const begun = Date.now();
      await expect(set.choose(60_000, ending.signal)).rejects.toThrow();
      expect(Date.now() - begun).toBeLessThan(2_000);
      held[Symbol.dispose]();
      (await set.choose())[Symbol.dispose]();
    });

    test('a call that is ended while an instance is asked leaves no place taken', async () => {
      const released = Promise.withResolvers<void>();
      await using slow = await startServer(async (_, response) => {
        await released.promise;
        response.end('{}');
      });
      await using set = await setUp({ urls: [slow.url], serviceConfig: { health_check: { timeout: '20s' } } });
      await set.beat(0, { capacity: 1, running: 0, waiting: 0, draining: false });
      const old = { last_health_check: new Date(Date.now() - 60_000) };
      await inOrganization(set.db, set.orgId, (tx) => updateTaskService(tx, { serviceId: set.ids[0] ?? '', set: old }));
      const ending = new AbortController();
      const choosing = set.choose(0, ending.signal);
      void setTimeout(100).then(() => ending.abort());
      await expect(choosing).rejects.toThrow();
      released.resolve();
      await setTimeout(300);
      (await set.choose())[Symbol.dispose]();
    });
  });

  describe('the circuit', () => {
    const sick = new TaskFailedError({
      failureCode: 'SERVICE_UNAVAILABLE',
      message: 'the service answered 502',
      retryable: true,
      details: { status: 502 },
    });

    async function failCall(choose: () => Promise<ChosenService>): Promise<string> {
      using service = await choose();
      await service.noteFailure(sick);
      return service.serviceId;
    }

    test('takes an instance out that fails again and again, and one call tries it later', async () => {
      await using one = await startInstance();
      await using set = await setUp({ urls: [one.url], circuit: { failures: 2, openMs: 400 } });
      await set.beat(0, { capacity: 8, running: 0, waiting: 0, draining: false });
      for (let n = 0; n < 2; n++) await failCall(set.choose);
      await setTimeout(0);
      const refused = set.choose(5_000);
      await expect(refused).rejects.toMatchObject({
        failureCode: 'SERVICE_UNAVAILABLE',
        retryable: true,
        details: { nextTrialAt: expect.stringMatching(/^2\d{3}-/) },
      });
      await expect(refused).rejects.toThrow(/failed again and again.*the next is tried at 2/);
      await setTimeout(450);
      const [trial, other] = await Promise.allSettled([set.choose(), set.choose()]);
      expect([trial.status, other.status].toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(other.status === 'rejected' && String(other.reason)).toMatch(/one is being tried now/);
      if (trial.status === 'fulfilled') trial.value[Symbol.dispose]();
      await setTimeout(0);
      const open = await Promise.all([set.choose(), set.choose()]);
      for (const service of open) service[Symbol.dispose]();
    });

    test('calls go to the others meanwhile', async () => {
      await using one = await startInstance();
      await using other = await startInstance();
      await using set = await setUp({ urls: [one.url, other.url], circuit: { failures: 2, openMs: 60_000 } });
      await set.beat(0);
      await set.beat(1);
      for (let failed = 0; failed < 2; ) {
        using service = await set.choose();
        if (service.serviceId !== set.ids[0]) continue;
        await service.noteFailure(sick);
        failed++;
      }
      await setTimeout(0);
      const chosen = new Set<string>();
      for (let n = 0; n < 30; n++) {
        using service = await set.choose();
        chosen.add(service.serviceId);
      }
      expect(chosen).toEqual(new Set([set.ids[1]]));
    });
  });

  describe('the document', () => {
    const withResponse = (change: (schema: JsonObject) => JsonObject): JsonObject => {
      const document = structuredClone(measure.document) as JsonObject & {
        components: { schemas: { Response: JsonObject } };
      };
      document.components.schemas.Response = change(document.components.schemas.Response) as never;
      return document;
    };
    const broken = withResponse((schema) => ({ ...schema, required: [] }));
    const quick = { health_check: { interval: '1s' } };

    test('the registered one, one that means the same, and none at all are all right', async () => {
      await using same = await startInstance();
      await using none = await startInstance();
      await using similar = await startInstance();
      same.state.document = measure.document;
      similar.state.document = {
        ...measure.document,
        info: { ...(measure.document.info as JsonObject), title: 'New' },
      };
      await using set = await setUp({ urls: [same.url, none.url, similar.url] });
      for (const index of [0, 1, 2]) await set.beat(index, { capacity: 9, running: 0, waiting: 0, draining: false });
      const chosen = await Promise.all([set.choose(), set.choose(), set.choose()]);
      expect(new Set(chosen.map(({ serviceId }) => serviceId))).toEqual(new Set(set.ids));
      for (const service of chosen) service[Symbol.dispose]();
      for (let n = 0; n < 10; n++) (await set.choose())[Symbol.dispose]();
      expect([same.state.shown, none.state.shown, similar.state.shown]).toEqual([1, 1, 1]);
      expect(set.logged).toEqual([]);
    });

    test('one that breaks calls puts the instance into quarantine until it is right again', async () => {
      await using drifted = await startInstance();
      await using right = await startInstance();
      drifted.state.document = broken;
      await using set = await setUp({ urls: [drifted.url, right.url], serviceConfig: quick });
      expect(await chooseFor(500, set.choose)).toEqual(new Set([set.ids[1]]));
      const [found] = await set.health();
      expect(found).toMatchObject({
        health: 'unhealthy',
        quarantine: { reason: expect.stringContaining('response'), document: expect.stringMatching(/^[0-9a-f]{64}$/) },
      });
      await set.beat(0);
      const warned = set.logged.filter(([level, message]) => level === 'warn' && message.includes('quarantine'));
      expect(warned).toHaveLength(1);
      drifted.state.document = measure.document;
      expect(await chooseFor(2_500, set.choose)).toEqual(new Set(set.ids));
      expect(await set.health()).toMatchObject([{ quarantine: undefined }, { quarantine: undefined }]);
    });

    test('alone, it fails calls with what is wrong, and an operator can accept it', async () => {
      await using drifted = await startInstance();
      drifted.state.document = {
        ...measure.document,
        paths: { '/other': { get: { responses: { 200: { description: 'x' } } } } },
      };
      await using set = await setUp({ urls: [drifted.url] });
      const refused = set.choose();
      await expect(refused).rejects.toMatchObject({ failureCode: 'SERVICE_UNAVAILABLE', retryable: true });
      await expect(refused).rejects.toThrow(/quarantine.*POST \/execute is not there any more/);
      await liftQuarantine(set.db, callerOf(set.orgId), set.service(0));
      (await set.choose())[Symbol.dispose]();
      await using later = set.create();
      const signal = new AbortController().signal;
      (await later.choose(set.definition, { signal, patienceMs: 0 }))[Symbol.dispose]();
      drifted.state.document = broken;
      await using last = set.create();
      await expect(last.choose(set.definition, { signal, patienceMs: 0 })).rejects.toThrow(/quarantine/);
    });

    test.each([
      ['no JSON', '<html>'],
      ['no OpenAPI', '{"name": "measure"}'],
      ['not valid', JSON.stringify({ ...measure.document, paths: { '/execute': { post: { parameters: 7 } } } })],
      ['hostile', `{"openapi":"3.1.0","info":{"$ref":"file:///etc/passwd"}}`],
      ['too deep', `{"openapi":"3.1.0","x":${'['.repeat(100)}${']'.repeat(100)}}`],
    ])('one that is %s is a doubt, told once', async (_, document) => {
      await using odd = await startInstance();
      odd.state.document = document;
      await using set = await setUp({ urls: [odd.url] });
      for (let n = 0; n < 3; n++) (await set.choose())[Symbol.dispose]();
      expect(await set.health()).toMatchObject([{ health: 'healthy', quarantine: undefined }]);
      expect(set.logged).toEqual([['warn', expect.stringContaining('may break')]]);
    });

    test('is asked for where the task says', async () => {
      await using instance = await startInstance();
      await using set = await setUp({ urls: [instance.url], serviceConfig: { document_path: '/v1/openapi.json' } });
      (await set.choose())[Symbol.dispose]();
      expect(instance.seen).toContain('GET /v1/openapi.json');
      expect(instance.seen).not.toContain('GET /openapi.json');
    });

    test('a quarantine of which another runner knows is kept', async () => {
      await using drifted = await startInstance();
      drifted.state.document = broken;
      await using set = await setUp({ urls: [drifted.url] });
      const quarantine = { reason: 'found elsewhere', at: new Date().toISOString(), document: 'other' };
      const serviceId = set.ids[0] ?? '';
      await inOrganization(set.db, set.orgId, (tx) =>
        tellTaskServiceState(tx, { serviceId, health: 'unhealthy', note: { quarantine } }),
      );
      await expect(set.choose()).rejects.toThrow(/quarantine/);
      expect(await set.health()).toMatchObject([{ health: 'unhealthy', quarantine: expect.anything() }]);
    });
  });

  test('closing ends what is being asked', async () => {
    await using hanging = await startServer((request, response) => {
      if (request.url !== '/health') response.writeHead(404).end();
    });
    await using well = await startInstance();
    const serviceConfig = { health_check: { timeout: '30s' } };
    await using set = await setUp({ urls: [hanging.url, well.url], serviceConfig });
    await set.beat(1);
    (await set.choose())[Symbol.dispose]();
    const begun = Date.now();
    await set.services[Symbol.asyncDispose]();
    expect(Date.now() - begun).toBeLessThan(2_000);
  });
});
