import {
  ConflictError,
  inOrganization,
  insertTaskService,
  listTaskServices,
  type MetadataDatabase,
  type OrgId,
  type TaskServiceRow,
} from '@mad/core';
import { readServiceUrl } from '../client/exchange/service-url.ts';

export interface RegisterTaskService {
  /** Owner of the task definition. */
  readonly orgId: OrgId;
  readonly taskDefinitionId: string;
  /** What the paths of the interface are below, such as `http://127.0.0.1:8080/dock`. */
  readonly serviceUrl: string;
  readonly podName?: string | undefined;
  readonly nodeName?: string | undefined;
}

/**
 * Makes a running instance known for a task version; its health is `unknown` until it is probed. Registering the same address again returns the row
 * that is there. Whether calls may go there is the runner's `allowedOrigins`, not decided here.
 * @throws {ValidationFailedError} when the URL is not http or https, or carries credentials.
 * @throws {RowRefusedError} when the task is not the organization's own.
 */
export async function registerTaskService(db: MetadataDatabase, service: RegisterTaskService): Promise<TaskServiceRow> {
  const { orgId, taskDefinitionId } = service;
  const serviceUrl = readServiceUrl(service.serviceUrl);
  try {
    return await inOrganization(db, orgId, (tx) =>
      insertTaskService(tx, {
        task_definition_id: taskDefinitionId,
        service_url: serviceUrl,
        pod_name: service.podName ?? null,
        node_name: service.nodeName ?? null,
        last_health_check: null,
        resources_used: {},
        started_at: new Date(),
      }),
    );
  } catch (error) {
    const known =
      error instanceof ConflictError ? await findByUrl(db, { orgId, taskDefinitionId, serviceUrl }) : undefined;
    if (known) return known;
    throw error;
  }
}

async function findByUrl(
  db: MetadataDatabase,
  { orgId, taskDefinitionId, serviceUrl }: RegisterTaskService,
): Promise<TaskServiceRow | undefined> {
  const { items } = await inOrganization(db, orgId, (tx) => listTaskServices(tx, { taskDefinitionId, limit: 500 }));
  return items.find((row) => row.service_url === serviceUrl);
}
