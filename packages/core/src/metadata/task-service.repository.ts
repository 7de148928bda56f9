import { sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import type {
  HealthStatus,
  NewTaskServiceRow,
  TaskServiceRow,
  TaskServiceRowUpdate,
} from './tables/task-service.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'task service';
const hint = 'this task is served at this URL already: update that row';

/** A running instance of a task that the organization may use. */
export function findTaskService(
  tx: MetadataTransaction,
  { serviceId }: { readonly serviceId: string },
): Promise<TaskServiceRow | undefined> {
  return tx.selectFrom('task_services').selectAll().where('service_id', '=', rowId(serviceId)).executeTakeFirst();
}

/** As `findTaskService`, for a row that must be there. @throws {NotFoundError} */
export async function getTaskService(
  tx: MetadataTransaction,
  { serviceId }: { readonly serviceId: string },
): Promise<TaskServiceRow> {
  return found(await findTaskService(tx, { serviceId }), { entity, id: serviceId });
}

export interface ListTaskServices extends PageRequest {
  readonly taskDefinitionId?: string | undefined;
  readonly healthStatus?: HealthStatus | undefined;
}

/** Running instances, newest first: of one task version, or of all that the transaction sees. */
export async function listTaskServices(
  tx: MetadataTransaction,
  request: ListTaskServices = {},
): Promise<Page<TaskServiceRow>> {
  let query = tx.selectFrom('task_services').selectAll().where('service_id', '<', idBeforePage(request));
  if (request.taskDefinitionId !== undefined)
    query = query.where('task_definition_id', '=', rowId(request.taskDefinitionId));
  if (request.healthStatus !== undefined) query = query.where('health_status', '=', request.healthStatus);
  const rows = await query
    .orderBy('service_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.service_id]);
}

/** A running instance, how long ago its health and its load were told by the database's clock, and the `service_config` of its task. */
export interface TaskServiceStateRow extends TaskServiceRow {
  readonly service_config: JsonObject;
  readonly checked_ms_ago: number | null;
  readonly load_ms_ago: number | null;
}

/** As `listTaskServices`, with the age of what each row tells. */
export async function listTaskServiceStates(
  tx: MetadataTransaction,
  request: Omit<ListTaskServices, 'healthStatus'> = {},
): Promise<Page<TaskServiceStateRow>> {
  const loadAt = sql`s.resources_used -> 'load_at'`;
  let query = tx
    .selectFrom('task_services as s')
    .innerJoin('task_definitions as d', 'd.task_definition_id', 's.task_definition_id')
    .selectAll('s')
    .select([
      'd.service_config',
      sql<number | null>`(extract(epoch from now() - s.last_health_check) * 1000)::float8`.as('checked_ms_ago'),
      sql<number | null>`case when jsonb_typeof(${loadAt}) = 'number'
        then (extract(epoch from now()) * 1000)::float8 - (${loadAt})::float8 end`.as('load_ms_ago'),
    ])
    .where('s.service_id', '<', idBeforePage(request));
  if (request.taskDefinitionId !== undefined)
    query = query.where('s.task_definition_id', '=', rowId(request.taskDefinitionId));
  const rows = await query
    .orderBy('s.service_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.service_id]);
}

/** A running instance with the name and the maker of its task. */
export interface OwnTaskServiceRow {
  readonly service: TaskServiceRow;
  readonly taskKey: string;
  readonly version: string;
  /** The user who registered the task. */
  readonly createdBy: string | null;
}

/** An instance of a task of the organization's own, which nobody else changes until the transaction ends. */
export async function lockTaskService(
  tx: OrganizationTransaction,
  { serviceId }: { readonly serviceId: string },
): Promise<OwnTaskServiceRow | undefined> {
  const row = await tx
    .selectFrom('task_services as s')
    .innerJoin('task_definitions as d', 'd.task_definition_id', 's.task_definition_id')
    .selectAll('s')
    .select(['d.task_id', 'd.version', 'd.created_by'])
    .where('s.service_id', '=', rowId(serviceId))
    .where('d.org_id', '=', organizationOf(tx))
    .forUpdate('s')
    .executeTakeFirst();
  if (!row) return undefined;
  const { task_id: taskKey, version, created_by: createdBy, ...service } = row;
  return { service, taskKey, version, createdBy };
}

export interface TellTaskServiceState {
  readonly serviceId: string;
  /** What was found just now; an instance in quarantine stays unhealthy. @default the health and its time stay */
  readonly health?: HealthStatus | undefined;
  /** Put into `resources_used`, beside what is there. */
  readonly note?: JsonObject | undefined;
  /** True when the note tells the load of this moment. @default false */
  readonly isLoad?: boolean | undefined;
  /** Taken out of `resources_used`. */
  readonly forget?: string | undefined;
  readonly startedAt?: Date | undefined;
}

/**
 * Notes what is known of an instance, at the database's time; what others have noted beside it stays.
 * @throws {NotFoundError} also for a system task's service, unless the transaction may write the system organization's rows.
 */
export async function tellTaskServiceState(
  tx: MetadataTransaction,
  { serviceId, health, note = {}, isLoad = false, forget = '', startedAt }: TellTaskServiceState,
): Promise<TaskServiceRow> {
  const at = isLoad ? sql`jsonb_build_object('load_at', (extract(epoch from now()) * 1000)::float8)` : sql`'{}'::jsonb`;
  const resources = sql<JsonObject>`(coalesce(resources_used, '{}') || ${JSON.stringify(note)}::jsonb || ${at}) - ${forget}::text`;
  const isQuarantined = sql<boolean>`(${resources}) -> 'quarantine' is not null`;
  const row = await tx
    .updateTable('task_services')
    .set({
      resources_used: resources,
      ...(startedAt === undefined ? {} : { started_at: startedAt }),
      ...(health === undefined
        ? {}
        : {
            health_status: sql<HealthStatus>`(case when ${isQuarantined} then 'unhealthy' else ${health}::text end)::health_status`,
            last_health_check: sql<Date>`now()`,
          }),
    })
    .where('service_id', '=', rowId(serviceId))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id: serviceId });
}

/**
 * Registers a running instance of a task.
 * @throws {ConflictError} when the task is served at this URL already.
 * @throws {RowRefusedError} when the task is not the organization's own.
 */
export function insertTaskService(tx: MetadataTransaction, service: NewTaskServiceRow): Promise<TaskServiceRow> {
  const row = { ...service, service_id: service.service_id ?? newId() };
  return translateRefusal({ entity, id: row.service_url, hint }, () =>
    tx.insertInto('task_services').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/**
 * Changes the columns given, such as what a health check found.
 * @throws {NotFoundError} also for a system task's service, unless the transaction may write the system organization's rows.
 */
export async function updateTaskService(
  tx: MetadataTransaction,
  {
    serviceId,
    set,
  }: { readonly serviceId: string; readonly set: Omit<TaskServiceRowUpdate, 'service_id' | 'task_definition_id'> },
): Promise<TaskServiceRow> {
  if (isEmpty(set)) return getTaskService(tx, { serviceId });
  const row = await translateRefusal({ entity, id: serviceId, hint }, () =>
    tx
      .updateTable('task_services')
      .set(set)
      .where('service_id', '=', rowId(serviceId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: serviceId });
}

/** Returns false when the transaction may write no such row. */
export async function deleteTaskService(
  tx: MetadataTransaction,
  { serviceId }: { readonly serviceId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('task_services')
    .where('service_id', '=', rowId(serviceId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
