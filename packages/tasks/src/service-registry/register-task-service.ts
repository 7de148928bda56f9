import {
  type Caller,
  ConflictError,
  checkRequest,
  inOrganization,
  insertTaskService,
  listTaskServices,
  type MetadataDatabase,
  recordAudit,
  type TaskServiceRow,
} from '@mad/core';
import { z } from 'zod';
import { readServiceUrl } from '../client/exchange/service-url.ts';
import { getOwnDefinition } from '../definition/own-version.ts';
import { toRegistered, toServiceChange } from './own-service.ts';

export interface RegisterTaskService {
  readonly taskDefinitionId: string;
  /** What the paths of the interface are below, such as `http://127.0.0.1:8080/dock`. */
  readonly serviceUrl: string;
  readonly podName?: string | undefined;
  readonly nodeName?: string | undefined;
}

const form = z.strictObject({
  taskDefinitionId: z.string(),
  // What it may be is for `readServiceUrl` to say.
  serviceUrl: z.string(),
  podName: z.string().optional(),
  nodeName: z.string().optional(),
});

/**
 * Makes a running instance known for a task version; its health is `unknown` until it is probed. Registering the same address again returns the row
 * that is there. Whether calls may go there is the runner's `allowedOrigins`, not decided here.
 * @throws {PermissionDeniedError} without `task.update`, or `task.update:own` where the caller registered the task.
 * @throws {ValidationFailedError} when the URL is not http or https, or carries credentials.
 * @throws {NotFoundError} when the task is not the organization's own.
 */
export async function registerTaskService(
  metadata: MetadataDatabase,
  caller: Caller,
  service: RegisterTaskService,
): Promise<TaskServiceRow> {
  checkRequest(form, { subject: 'task service', value: service });
  const { taskDefinitionId } = service;
  const serviceUrl = readServiceUrl(service.serviceUrl);
  try {
    return await inOrganization(metadata, caller.orgId, async (tx) => {
      const { task_id, version } = await getOwnDefinition(tx, caller, { taskDefinitionId });
      const row = await insertTaskService(tx, {
        task_definition_id: taskDefinitionId,
        service_url: serviceUrl,
        pod_name: service.podName ?? null,
        node_name: service.nodeName ?? null,
        last_health_check: null,
        resources_used: {},
        started_at: new Date(),
      });
      const own = { service: row, task: `${task_id}@${version}` };
      const change = { action: 'service.register', after: toRegistered(row) };
      await recordAudit(tx, caller, toServiceChange(own, change));
      return row;
    });
  } catch (error) {
    const known =
      error instanceof ConflictError ? await findByUrl(metadata, caller, { taskDefinitionId, serviceUrl }) : undefined;
    if (known) return known;
    throw error;
  }
}

async function findByUrl(
  metadata: MetadataDatabase,
  { orgId }: Caller,
  { taskDefinitionId, serviceUrl }: RegisterTaskService,
): Promise<TaskServiceRow | undefined> {
  const { items } = await inOrganization(metadata, orgId, (tx) =>
    listTaskServices(tx, { taskDefinitionId, limit: 500 }),
  );
  return items.find((row) => row.service_url === serviceUrl);
}
