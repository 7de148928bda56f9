import {
  type Caller,
  inAllOrganizations,
  inOrganization,
  insertUser,
  listAuditLogs,
  NotFoundError,
  newId,
  PERMISSIONS,
  PermissionDeniedError,
  SYSTEM_ORG_ID,
  tellTaskServiceState,
} from '@mad/core';
import { expect, test } from 'vitest';
import {
  activateTask,
  cloneTask,
  deactivateTask,
  deregisterTaskService,
  drainTaskService,
  exportTask,
  heartbeatTaskService,
  importTask,
  liftQuarantine,
  listTaskServiceHealth,
  openServiceRegistration,
  registerTask,
  registerTaskService,
  resumeTaskService,
  type TaskBundle,
} from '../src/index.ts';
import { callerOf, describeOnEachDatabase, insertTestOrganization } from './each-metadata.ts';
import { measure } from './operations.ts';

const { document } = measure;
const serviceConfig = { environment: { LICENSE: 'a secret' } };
const serviceUrl = 'http://127.0.0.1:9/measure';
const quarantine = { reason: 'it lost /atoms', at: '2026-11-23T00:00:00.000Z', document: 'abc' };

interface Act {
  readonly name: string;
  readonly needs: string;
  /** What the audit trail says of it; absent: nothing. */
  readonly action?: string;
  readonly run: (caller: Caller) => Promise<unknown>;
}

describeOnEachDatabase((metadata) => {
  /** A user of an organization, with all permissions. */
  async function newCaller(): Promise<Caller> {
    const orgId = await insertTestOrganization(metadata());
    return { orgId, userId: await newUser(), permissions: new Set(PERMISSIONS) };
  }
  const newUser = async () => {
    const { user_id } = await inAllOrganizations(metadata(), (tx) =>
      insertUser(tx, { email: `${newId()}@example.org` }),
    );
    return user_id;
  };
  const trail = async ({ orgId }: Caller) => {
    const { items } = await inOrganization(metadata(), orgId, (tx) => listAuditLogs(tx, { limit: 500 }));
    return items.toReversed();
  };

  test('each call needs its permission; what changes something leaves one entry, and none where it is denied or made again', async () => {
    const db = metadata();
    const caller = await newCaller();
    const [taskName, cloned] = ['measure@1.0.0', 'our-measure@1.0.0'];
    const made = { definition: '', clone: '', imported: '', service: '' };
    let bundle: TaskBundle | undefined;
    const quarantined = () =>
      inOrganization(db, caller.orgId, (tx) =>
        tellTaskServiceState(tx, { serviceId: made.service, note: { quarantine } }),
      );
    const acts: readonly Act[] = [
      {
        ...{ name: 'registerTask', needs: 'task.define', action: 'task.register' },
        async run(as) {
          made.definition = (await registerTask(db, as, { document, serviceConfig })).task_definition_id;
        },
      },
      {
        ...{ name: 'cloneTask', needs: 'task.define', action: 'task.clone' },
        async run(as) {
          made.clone = (await cloneTask(db, as, { task: taskName, taskKey: 'our-measure' })).task_definition_id;
        },
      },
      {
        ...{ name: 'exportTask', needs: 'task.view' },
        async run(as) {
          bundle = await exportTask(db, as, { task: taskName });
        },
      },
      {
        ...{ name: 'exportTask with its environment', needs: 'task.update' },
        run: (as) => exportTask(db, as, { task: taskName, withEnvironment: true }),
      },
      {
        ...{ name: 'importTask', needs: 'task.define', action: 'task.import' },
        async run(as) {
          made.imported = (await importTask(db, as, { bundle, version: '1.1.0' })).task_definition_id;
        },
      },
      {
        ...{ name: 'deactivateTask', needs: 'task.update', action: 'task.deactivate' },
        run: (as) => deactivateTask(db, as, { task: cloned }),
      },
      {
        ...{ name: 'activateTask', needs: 'task.update', action: 'task.activate' },
        run: (as) => activateTask(db, as, { task: cloned }),
      },
      {
        ...{ name: 'registerTaskService', needs: 'task.update', action: 'service.register' },
        async run(as) {
          const row = await registerTaskService(db, as, { taskDefinitionId: made.definition, serviceUrl });
          made.service = row.service_id;
        },
      },
      {
        ...{ name: 'heartbeatTaskService', needs: 'task.update' },
        run: (as) => heartbeatTaskService(db, as, { serviceId: made.service }),
      },
      { name: 'listTaskServiceHealth', needs: 'task.view', run: (as) => listTaskServiceHealth(db, as) },
      {
        ...{ name: 'drainTaskService', needs: 'task.update', action: 'service.drain' },
        run: (as) => drainTaskService(db, as, { serviceId: made.service }),
      },
      {
        ...{ name: 'resumeTaskService', needs: 'task.update', action: 'service.resume' },
        run: (as) => resumeTaskService(db, as, { serviceId: made.service }),
      },
      {
        ...{ name: 'liftQuarantine', needs: 'task.update', action: 'service.lift' },
        run: (as) => liftQuarantine(db, as, { serviceId: made.service }),
      },
      {
        ...{ name: 'deregisterTaskService', needs: 'task.update', action: 'service.deregister' },
        run: (as) => deregisterTaskService(db, as, { serviceId: made.service }),
      },
    ];
    const entityOf: Readonly<Record<string, () => string>> = {
      'task.register': () => made.definition,
      'task.clone': () => made.clone,
      'task.import': () => made.imported,
      'task.deactivate': () => made.clone,
      'task.activate': () => made.clone,
    };
    for (const { name, needs, action, run } of acts) {
      if (action === 'service.lift') await quarantined();
      const before = (await trail(caller)).length;
      const others = new Set(PERMISSIONS.filter((permission) => permission !== needs));
      await expect(run({ ...caller, permissions: others }), name).rejects.toThrow(PermissionDeniedError);
      expect(await trail(caller), name).toHaveLength(before);
      await run(caller);
      await run(caller);
      const left = (await trail(caller)).slice(before);
      const entity_type = action?.startsWith('service.') ? 'task_service' : 'task_definition';
      const entity_id = (entityOf[action ?? ''] ?? (() => made.service))();
      const entry = expect.objectContaining({ action, entity_type, entity_id, user_id: caller.userId });
      expect(left, name).toEqual(action === undefined ? [] : [entry]);
    }
    expect(JSON.stringify(await trail(caller))).not.toContain('a secret');
    for (const needs of ['task.define', 'task.update']) {
      const permissions = new Set(PERMISSIONS.filter((permission) => permission !== needs));
      expect(() => openServiceRegistration(db, { ...caller, permissions }), needs).toThrow(PermissionDeniedError);
    }
  });

  test('a call that fails leaves no entry, and what cannot be noted is not done', async () => {
    const db = metadata();
    const caller = await newCaller();
    const { task_definition_id: taskDefinitionId } = await registerTask(db, caller, { document });
    const { service_id: serviceId } = await registerTaskService(db, caller, { taskDefinitionId, serviceUrl });
    const before = await trail(caller);
    const nobody = { ...caller, userId: newId() };
    await expect(deactivateTask(db, nobody, { task: 'measure@1.0.0' })).rejects.toThrow();
    await expect(
      registerTaskService(db, nobody, { taskDefinitionId, serviceUrl: `${serviceUrl}/2` }),
    ).rejects.toThrow();
    await expect(deregisterTaskService(db, nobody, { serviceId })).rejects.toThrow();
    await expect(drainTaskService(db, nobody, { serviceId })).rejects.toThrow();
    await expect(registerTask(db, caller, { document: { ...document, paths: {} } })).rejects.toThrow();
    await expect(activateTask(db, caller, { task: 'measure@9.0.0' })).rejects.toThrow(NotFoundError);
    await expect(drainTaskService(db, caller, { serviceId: newId() })).rejects.toThrow(NotFoundError);
    expect(await deregisterTaskService(db, caller, { serviceId: newId() })).toBe(false);
    expect(await trail(caller)).toEqual(before);
    const { items } = await listTaskServiceHealth(db, caller);
    expect(items).toMatchObject([{ serviceId, draining: false }]);
    expect((await activateTask(db, caller, { task: 'measure@1.0.0' })).is_active).toBe(true);
    expect(await trail(caller)).toEqual(before);
  });

  test('whoever may change their own tasks changes those, and what serves them', async () => {
    const db = metadata();
    const ada: Caller = { ...(await newCaller()), permissions: new Set(['task.define', 'task.update:own']) };
    const ben: Caller = { ...ada, userId: await newUser() };
    const { task_definition_id: taskDefinitionId } = await registerTask(db, ada, { document });
    const service = { taskDefinitionId, serviceUrl };
    const { service_id: serviceId } = await registerTaskService(db, ada, service);
    const denied = (call: Promise<unknown>) => expect(call).rejects.toThrow(PermissionDeniedError);
    await denied(registerTaskService(db, ben, { ...service, serviceUrl: `${serviceUrl}/2` }));
    await denied(deactivateTask(db, ben, { task: 'measure@1.0.0' }));
    await denied(drainTaskService(db, ben, { serviceId }));
    await denied(deregisterTaskService(db, ben, { serviceId }));
    await deactivateTask(db, ada, { task: 'measure@1.0.0' });
    await drainTaskService(db, ada, { serviceId });
    expect(await deregisterTaskService(db, ada, { serviceId })).toBe(true);
  });

  test('what is the system’s is served by the system alone', async () => {
    const db = metadata();
    const system = callerOf(SYSTEM_ORG_ID);
    const { task_definition_id: taskDefinitionId } = await registerTask(db, system, { document, version: '6.0.0' });
    const caller = await newCaller();
    const registering = registerTaskService(db, caller, { taskDefinitionId, serviceUrl });
    await expect(registering).rejects.toThrow(/clone it/);
    expect(await trail(caller)).toEqual([]);
    const { service_id: serviceId } = await registerTaskService(db, system, { taskDefinitionId, serviceUrl });
    await expect(drainTaskService(db, caller, { serviceId })).rejects.toThrow(NotFoundError);
    expect((await trail(system)).at(-1)).toMatchObject({ action: 'service.register', entity_id: serviceId });
  });

  test('a service that registers itself is noted once, and again where that ends its quarantine', async () => {
    const db = metadata();
    const itself = {
      ...callerOf(await insertTestOrganization(db)),
      permissions: new Set(['task.define', 'task.update']),
    };
    const registration = openServiceRegistration(db, itself);
    const facts = { taskKey: 'measure', serviceUrl, document, capacity: 2 };
    const instance = await registration.register(facts);
    await registration.register(facts);
    await instance.heartbeat({ running: 1, waiting: 0, draining: false });
    const actions = async () => (await trail(itself)).map(({ action }) => action);
    expect(await actions()).toEqual(['task.register', 'service.register']);
    const serviceId = (await trail(itself)).at(-1)?.entity_id ?? '';
    await inOrganization(db, itself.orgId, (tx) => tellTaskServiceState(tx, { serviceId, note: { quarantine } }));
    await registration.register(facts);
    await instance.deregister();
    expect((await actions()).slice(2)).toEqual(['service.lift', 'service.deregister']);
    expect((await trail(itself))[2]?.metadata).toMatchObject({
      quarantine,
      task: 'measure@1.0.0',
      service_url: serviceUrl,
    });
  });
});
