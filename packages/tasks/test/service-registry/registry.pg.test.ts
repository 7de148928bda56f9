import {
  createLocalArtifactStore,
  inOrganization,
  type JsonObject,
  NotFoundError,
  newId,
  SYSTEM_ORG_ID,
  type TaskDefinitionRow,
  tellTaskServiceState,
  updateTaskService,
  ValidationFailedError,
} from '@mad/core';
import { createTaskService, keepRegistered } from '@mad/tasks/service';
import { describe, expect, test } from 'vitest';
import {
  createTaskRunner,
  deregisterTaskService,
  drainTaskService,
  heartbeatTaskService,
  liftQuarantine,
  listTaskServiceHealth,
  openServiceRegistration,
  registerTask,
  registerTaskService,
  resumeTaskService,
  TaskVersionTakenError,
} from '../../src/index.ts';
import { callerOf, countRows, describeOnEachDatabase, insertTestOrganization } from '../each-metadata.ts';
import { measure } from '../operations.ts';

const LOAD = { capacity: 4, running: 1, waiting: 0, draining: false };
const SERVICE_URL = 'http://127.0.0.1:9/measure';
let versions = 0;

describeOnEachDatabase((metadata) => {
  async function setUp({ orgId: owner, serviceConfig = {} }: { orgId?: string; serviceConfig?: JsonObject } = {}) {
    const db = metadata();
    const orgId = owner ?? (await insertTestOrganization(db));
    const version = `1.0.${versions++}`;
    const task: TaskDefinitionRow = await registerTask(db, callerOf(orgId), {
      document: measure.document,
      version,
      serviceConfig,
    });
    const { task_definition_id: taskDefinitionId } = task;
    const row = await registerTaskService(db, callerOf(orgId), { taskDefinitionId, serviceUrl: SERVICE_URL });
    const serviceId = row.service_id;
    const ago = (ms: number) =>
      inOrganization(db, orgId, (tx) =>
        updateTaskService(tx, { serviceId, set: { last_health_check: new Date(Date.now() - ms) } }),
      );
    const health = async (as = orgId) => {
      const { items } = await listTaskServiceHealth(db, callerOf(as), { taskDefinitionId });
      return items[0];
    };
    return { db, orgId, caller: callerOf(orgId), serviceId, service: { serviceId }, taskDefinitionId, ago, health };
  }

  test('is unknown until it tells of itself, and again when that is too long ago', async () => {
    const { db, caller, service, serviceId, taskDefinitionId, ago, health } = await setUp();
    expect(await health()).toMatchObject({ health: 'unknown', capacity: undefined, draining: false });
    await heartbeatTaskService(db, caller, { ...service, load: { ...LOAD, waiting: 2 } });
    const told = await health();
    expect(told).toEqual({
      ...{ serviceId, taskDefinitionId, serviceUrl: SERVICE_URL, podName: null, nodeName: null },
      ...{ health: 'healthy', checkedAt: expect.any(Date), startedAt: expect.any(Date) },
      ...{ capacity: 4, running: 1, waiting: 2, draining: false, quarantine: undefined },
    });
    expect(Math.abs(Date.now() - (told?.checkedAt?.getTime() ?? 0))).toBeLessThan(5_000);
    await ago(20_000);
    expect(await health()).toMatchObject({ health: 'healthy' });
    await ago(40_000);
    expect(await health()).toMatchObject({ health: 'unknown', capacity: 4 });
  });

  test('what it tells counts for the interval of its task', async () => {
    const { db, caller, service, ago, health } = await setUp({ serviceConfig: { health_check: { interval: '5m' } } });
    await heartbeatTaskService(db, caller, service);
    await ago(200_000);
    expect(await health()).toMatchObject({ health: 'healthy' });
  });

  test('a drained one stays so, whatever it says of itself', async () => {
    const { db, caller, service, health } = await setUp();
    await drainTaskService(db, caller, service);
    await heartbeatTaskService(db, caller, { ...service, load: LOAD });
    expect(await health()).toMatchObject({ health: 'healthy', draining: true });
    await resumeTaskService(db, caller, service);
    expect(await health()).toMatchObject({ health: 'healthy', draining: false, capacity: 4 });
    await heartbeatTaskService(db, caller, { ...service, load: { ...LOAD, draining: true } });
    expect(await health()).toMatchObject({ draining: true });
  });

  test('one in quarantine stays there until it is lifted', async () => {
    const { db, caller, orgId, service, serviceId, health } = await setUp();
    const quarantine = { reason: 'it lost /atoms', at: '2026-11-23T00:00:00.000Z', document: 'abc' };
    await inOrganization(db, orgId, (tx) =>
      tellTaskServiceState(tx, { serviceId, health: 'unhealthy', note: { quarantine } }),
    );
    const beaten = await heartbeatTaskService(db, caller, { ...service, load: LOAD });
    expect(beaten.health_status).toBe('unhealthy');
    expect(await health()).toMatchObject({ health: 'unhealthy', quarantine, running: 1 });
    const row = await liftQuarantine(db, caller, service);
    expect(row).toMatchObject({ health_status: 'unknown', resources_used: { accepted_document: 'abc', capacity: 4 } });
    expect(await health()).toMatchObject({ health: 'unknown', quarantine: undefined });
    await heartbeatTaskService(db, caller, service);
    expect(await health()).toMatchObject({ health: 'healthy' });
    expect(await liftQuarantine(db, caller, service)).toMatchObject({ health_status: 'healthy' });
  });

  test('belongs to the owner of its task', async () => {
    const { db, caller, service, health } = await setUp();
    const stranger = callerOf(await insertTestOrganization(db));
    for (const change of [heartbeatTaskService, drainTaskService, resumeTaskService, liftQuarantine])
      await expect(change(db, stranger, service)).rejects.toThrow(NotFoundError);
    expect(await deregisterTaskService(db, stranger, service)).toBe(false);
    expect(await health(stranger.orgId)).toBeUndefined();
    expect(await health()).toMatchObject({ health: 'unknown', draining: false });
    expect(await deregisterTaskService(db, caller, service)).toBe(true);
    expect(await deregisterTaskService(db, caller, service)).toBe(false);
    await expect(heartbeatTaskService(db, caller, service)).rejects.toThrow(NotFoundError);
  });

  test('one of the system is seen by all, and changed by the system alone', async () => {
    const { db, caller, serviceId, service, health } = await setUp({ orgId: SYSTEM_ORG_ID });
    const orgId = await insertTestOrganization(db);
    await expect(heartbeatTaskService(db, callerOf(orgId), { serviceId })).rejects.toThrow(NotFoundError);
    await heartbeatTaskService(db, caller, service);
    expect(await health(orgId)).toMatchObject({ serviceId, health: 'healthy' });
    await deregisterTaskService(db, caller, service);
  });

  test.each([
    { ...LOAD, capacity: 0 },
    { ...LOAD, running: -1 },
    { ...LOAD, waiting: Number.NaN },
    { ...LOAD, capacity: 1.5 },
  ])('a load of %j is refused', async (load) => {
    const { db, caller, service, health } = await setUp();
    await expect(heartbeatTaskService(db, caller, { ...service, load })).rejects.toThrow(ValidationFailedError);
    expect(await health()).toMatchObject({ health: 'unknown' });
  });

  test('what somebody else wrote into the row is no more than not told', async () => {
    const serviceConfig = { health_check: { interval: 'soon', path: [] } };
    const { db, caller, orgId, serviceId, service, health } = await setUp({ serviceConfig });
    const odd = { capacity: 'all', running: -3, load_at: 'noon', draining: 'no', quarantine: 7 };
    await inOrganization(db, orgId, (tx) => updateTaskService(tx, { serviceId, set: { resources_used: odd } }));
    expect(await health()).toMatchObject({
      ...{ health: 'unhealthy', capacity: undefined, running: 0, draining: false },
      quarantine: { reason: 'not said' },
    });
    await liftQuarantine(db, caller, service);
    await heartbeatTaskService(db, caller, { ...service, load: LOAD });
    expect(await health()).toMatchObject({ health: 'healthy', ...LOAD, quarantine: undefined });
  });

  test('pages through all instances', async () => {
    const { db, caller, taskDefinitionId } = await setUp();
    for (const port of [10, 11])
      await registerTaskService(db, caller, { taskDefinitionId, serviceUrl: `http://127.0.0.1:${port}` });
    const first = await listTaskServiceHealth(db, caller, { taskDefinitionId, limit: 2 });
    const rest = await listTaskServiceHealth(db, caller, {
      taskDefinitionId,
      limit: 2,
      cursor: first.nextCursor,
    });
    const urls = [...first.items, ...rest.items].map(({ serviceUrl }) => serviceUrl);
    expect(urls).toEqual(['http://127.0.0.1:11', 'http://127.0.0.1:10', SERVICE_URL]);
  });

  describe('by itself', () => {
    const facts = {
      taskKey: 'measure',
      serviceUrl: 'http://127.0.0.1:8/measure',
      document: measure.document,
      capacity: 3,
    };

    test('a service makes itself known with its task, tells of itself, and leaves', async () => {
      const db = metadata();
      const orgId = await insertTestOrganization(db);
      const registration = openServiceRegistration(db, callerOf(orgId), { podName: 'pod-1' });
      const instance = await registration.register(facts);
      const listed = async () => (await listTaskServiceHealth(db, callerOf(orgId))).items[0];
      expect(await listed()).toMatchObject({
        ...{ serviceUrl: facts.serviceUrl, podName: 'pod-1', health: 'healthy' },
        ...{ capacity: 3, running: 0, draining: false },
      });
      await instance.heartbeat({ running: 3, waiting: 9, draining: true });
      expect(await listed()).toMatchObject({ capacity: 3, running: 3, waiting: 9, draining: true });
      // It comes back at its address: the same row, and nothing of what it was.
      const again = await registration.register(facts);
      expect(await listed()).toMatchObject({ running: 0, waiting: 0, draining: false });
      expect(await countRows(db, { orgId, table: 'task_services' })).toBe(1);
      await again.deregister();
      expect(await listed()).toBeUndefined();
      await expect(instance.heartbeat({ running: 0, waiting: 0, draining: false })).rejects.toThrow(NotFoundError);
      await instance.deregister();
    });

    test('a service of the kit is found by runners as long as it runs', async () => {
      const db = metadata();
      const orgId = await insertTestOrganization(db);
      const service = createTaskService({ operations: [measure], concurrency: 3 });
      const { url } = await service.listen();
      const registration = openServiceRegistration(db, callerOf(orgId));
      keepRegistered(service, { registration, url, heartbeatMs: 100 });
      const listed = async () => (await listTaskServiceHealth(db, callerOf(orgId))).items[0];
      await expect.poll(listed).toMatchObject({ serviceUrl: `${url}/measure`, health: 'healthy', capacity: 3 });
      const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
      await using runner = createTaskRunner({ metadata: db, artifacts, allowedOrigins: [url] });
      const { taskDefinitionId = '' } = (await listed()) ?? {};
      const running = runner.run({
        ...{ orgId, taskDefinitionId, jobId: newId(), stepName: 'measure', attempt: 0, idempotencyKey: newId() },
        ...{ request: { molecule: 'HETATM' }, timeoutMs: 5_000, signal: new AbortController().signal },
      });
      await expect(running).rejects.toMatchObject({ failureCode: 'NO_ATOMS' });
      expect(await listed()).toMatchObject({ health: 'healthy', quarantine: undefined });
      await service.close({ graceMs: 0 });
      expect(await listed()).toBeUndefined();
    });

    test('registering ends a quarantine, and leaves an instance drained that an operator drained', async () => {
      const db = metadata();
      const orgId = await insertTestOrganization(db);
      const registration = openServiceRegistration(db, callerOf(orgId));
      await registration.register(facts);
      const [{ serviceId = '' } = {}] = (await listTaskServiceHealth(db, callerOf(orgId))).items;
      const quarantine = { reason: 'x', at: 'y', document: 'z' };
      await inOrganization(db, orgId, (tx) => tellTaskServiceState(tx, { serviceId, note: { quarantine } }));
      await drainTaskService(db, callerOf(orgId), { serviceId });
      await registration.register(facts);
      const { items } = await listTaskServiceHealth(db, callerOf(orgId));
      expect(items).toMatchObject([{ health: 'healthy', draining: true, quarantine: undefined }]);
    });

    test('a document that changed needs a version of its own', async () => {
      const db = metadata();
      const orgId = await insertTestOrganization(db);
      const registration = openServiceRegistration(db, callerOf(orgId));
      await registration.register(facts);
      const info = { ...(facts.document.info as JsonObject), title: 'Another' };
      const changed = { ...facts, document: { ...facts.document, info } };
      await expect(registration.register(changed)).rejects.toThrow(TaskVersionTakenError);
    });
  });
});
