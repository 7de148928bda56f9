import {
  authorize,
  type Caller,
  checkRequest,
  type HealthStatus,
  inOrganization,
  listTaskServiceStates,
  type MetadataDatabase,
  type Page,
  type PageRequest,
  type TaskServiceStateRow,
} from '@mad/core';
import { z } from 'zod';
import { readHealthCheck } from './health-check.ts';
import { effectiveHealth, type Quarantine, readInstanceReport } from './instance-report.ts';

export interface ListTaskServiceHealth extends PageRequest {
  /** @default every task that the organization may use */
  readonly taskDefinitionId?: string | undefined;
}

const form = z.strictObject({
  taskDefinitionId: z.string().optional(),
  limit: z.int().optional(),
  cursor: z.string().max(2_000).optional(),
});

/** A running instance as it may be counted on now. */
export interface TaskServiceHealth {
  readonly serviceId: string;
  readonly taskDefinitionId: string;
  readonly serviceUrl: string;
  readonly podName: string | null;
  readonly nodeName: string | null;
  /** What was told or found last; `unknown` once that is older than the interval of the task's health check. */
  readonly health: HealthStatus;
  readonly checkedAt: Date | null;
  readonly startedAt: Date | null;
  /** Calls that it works on at once; undefined where it never told. */
  readonly capacity: number | undefined;
  /** Calls that it worked on, and that waited for a place, at its last heartbeat. */
  readonly running: number;
  readonly waiting: number;
  /** It takes no new calls. */
  readonly draining: boolean;
  /** Set where its document was found to break the registered one: it takes no new calls. */
  readonly quarantine: Quarantine | undefined;
}

/** Running instances, newest first: of one task version, or of all that the organization may use. @throws {PermissionDeniedError} without `task.view` */
export async function listTaskServiceHealth(
  metadata: MetadataDatabase,
  caller: Caller,
  request: ListTaskServiceHealth = {},
): Promise<Page<TaskServiceHealth>> {
  authorize(caller, 'task.view');
  checkRequest(form, { subject: 'list of task services', value: request });
  const { items, ...page } = await inOrganization(metadata, caller.orgId, (tx) => listTaskServiceStates(tx, request));
  return { ...page, items: items.map(toHealth) };
}

function toHealth(row: TaskServiceStateRow): TaskServiceHealth {
  const report = readInstanceReport(row);
  const { capacity, running, waiting, draining, quarantine } = report;
  return {
    serviceId: row.service_id,
    taskDefinitionId: row.task_definition_id,
    serviceUrl: row.service_url,
    podName: row.pod_name,
    nodeName: row.node_name,
    health: effectiveHealth(report, readHealthCheck(row.service_config)),
    checkedAt: row.last_health_check,
    startedAt: row.started_at,
    ...{ capacity, running, waiting, draining, quarantine },
  };
}
