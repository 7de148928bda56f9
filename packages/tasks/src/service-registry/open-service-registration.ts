import {
  authorize,
  type Caller,
  inOrganization,
  type MetadataDatabase,
  recordAudit,
  tellTaskServiceState,
} from '@mad/core';
import { registerTask } from '../definition/register-task.ts';
import type { ServiceRegistration } from '../service/registration.ts';
import { deregisterTaskService } from './deregister-task-service.ts';
import { checkedLoad, heartbeatTaskService } from './heartbeat-task-service.ts';
import { readQuarantine } from './instance-report.ts';
import { getOwnService, toServiceChange } from './own-service.ts';
import { registerTaskService } from './register-task-service.ts';

export interface OpenServiceRegistration {
  /** @default none */
  readonly podName?: string | undefined;
  /** @default none */
  readonly nodeName?: string | undefined;
}

/**
 * Lets services make themselves known in the Metadata DB: pass it to `keepRegistered`. The caller is the service itself, made by the host that starts it:
 * `{ orgId, userId: null, permissions: new Set(['task.define', 'task.update']) }`; tasks of the system organization serve all. Registering stores the
 * operation's document as a version of its task, unless that is there, and the instance, healthy from then on; a quarantine of an earlier instance at its
 * address is lifted, since its document is the registered one. `register` throws what `registerTask` does: `TaskVersionTakenError` where the document
 * changed and its version did not.
 * @throws {PermissionDeniedError} without `task.define` and `task.update`.
 */
export function openServiceRegistration(
  metadata: MetadataDatabase,
  caller: Caller,
  { podName, nodeName }: OpenServiceRegistration = {},
): ServiceRegistration {
  authorize(caller, 'task.define');
  authorize(caller, 'task.update');
  const startedAt = new Date();
  return {
    async register({ serviceUrl, document, taskKey, capacity }) {
      const load = checkedLoad({ capacity, running: 0, waiting: 0, draining: false });
      const task = await registerTask(metadata, caller, { document, taskKey });
      const { task_definition_id: taskDefinitionId } = task;
      const row = await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl, podName, nodeName });
      const serviceId = row.service_id;
      const state = {
        serviceId,
        health: 'healthy',
        note: load,
        isLoad: true,
        forget: 'quarantine',
        startedAt,
      } as const;
      await inOrganization(metadata, caller.orgId, async (tx) => {
        const own = await getOwnService(tx, caller, { serviceId });
        await tellTaskServiceState(tx, state);
        const quarantine = readQuarantine(own.service);
        if (!quarantine) return;
        const facts = { quarantine: { ...quarantine } };
        await recordAudit(tx, caller, toServiceChange(own, { action: 'service.lift', facts }));
      });
      return {
        async heartbeat(told) {
          await heartbeatTaskService(metadata, caller, { serviceId, load: { ...told, capacity } });
        },
        async deregister() {
          await deregisterTaskService(metadata, caller, { serviceId });
        },
      };
    },
  };
}
