import { inOrganization, type MetadataDatabase, type OrgId, tellTaskServiceState } from '@mad/core';
import { registerTask } from '../definition/register-task.ts';
import type { ServiceRegistration } from '../service/registration.ts';
import { deregisterTaskService } from './deregister-task-service.ts';
import { checkedLoad, heartbeatTaskService } from './heartbeat-task-service.ts';
import { registerTaskService } from './register-task-service.ts';

export interface OpenServiceRegistration {
  readonly metadata: MetadataDatabase;
  /** Owner of the tasks; those of the system organization serve all. */
  readonly orgId: OrgId;
  /** @default none */
  readonly podName?: string | undefined;
  /** @default none */
  readonly nodeName?: string | undefined;
}

/**
 * Lets services make themselves known in the Metadata DB: pass it to `keepRegistered`. Registering stores the operation's document as a version of
 * its task, unless that is there, and the instance, healthy from then on; a quarantine of an earlier instance at its address is lifted, since its document
 * is the registered one. `register` throws what `registerTask` does: `TaskVersionTakenError` where the document changed and its version did not.
 */
export function openServiceRegistration(options: OpenServiceRegistration): ServiceRegistration {
  const { metadata, orgId, podName, nodeName } = options;
  const startedAt = new Date();
  return {
    async register({ serviceUrl, document, taskKey, capacity }) {
      const load = checkedLoad({ capacity, running: 0, waiting: 0, draining: false });
      const task = await registerTask(metadata, { orgId, document, taskKey });
      const { task_definition_id: taskDefinitionId } = task;
      const row = await registerTaskService(metadata, { orgId, taskDefinitionId, serviceUrl, podName, nodeName });
      const serviceId = row.service_id;
      const state = {
        serviceId,
        health: 'healthy',
        note: load,
        isLoad: true,
        forget: 'quarantine',
        startedAt,
      } as const;
      await inOrganization(metadata, orgId, (tx) => tellTaskServiceState(tx, state));
      return {
        async heartbeat(told) {
          await heartbeatTaskService(metadata, { orgId, serviceId, load: { ...told, capacity } });
        },
        async deregister() {
          await deregisterTaskService(metadata, { orgId, serviceId });
        },
      };
    },
  };
}
