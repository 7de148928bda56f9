import semver from 'semver';
import { newId, rowId, SYSTEM_ORG_ID } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type MetadataTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import { requireSemver } from './require-semver.ts';
import type {
  NewTaskDefinitionRow,
  TaskDefinitionRow,
  TaskDefinitionRowUpdate,
} from './tables/task-definition.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'task definition';
const hint = 'its interface never changes: register a higher version';

/** One version of a task, of the organization or of the system; undefined where it sees none. */
export function findTaskDefinition(
  tx: MetadataTransaction,
  { taskDefinitionId }: { readonly taskDefinitionId: string },
): Promise<TaskDefinitionRow | undefined> {
  return tx
    .selectFrom('task_definitions')
    .selectAll()
    .where('task_definition_id', '=', rowId(taskDefinitionId))
    .executeTakeFirst();
}

/** As `findTaskDefinition`, for a row that must be there. @throws {NotFoundError} */
export async function getTaskDefinition(
  tx: MetadataTransaction,
  { taskDefinitionId }: { readonly taskDefinitionId: string },
): Promise<TaskDefinitionRow> {
  return found(await findTaskDefinition(tx, { taskDefinitionId }), { entity, id: taskDefinitionId });
}

/**
 * All versions of a task that the organization may use, inactive ones too: its own first, then the system's, each from the highest
 * version to the lowest as semver orders them.
 */
export async function listTaskDefinitionVersions(
  tx: OrganizationTransaction,
  { taskKey }: { readonly taskKey: string },
): Promise<readonly TaskDefinitionRow[]> {
  const own = organizationOf(tx);
  const rows = await tx.selectFrom('task_definitions').selectAll().where('task_id', '=', taskKey).execute();
  const rank = (row: TaskDefinitionRow): number => (row.org_id === own ? 0 : 1);
  return rows.sort((a, b) => rank(a) - rank(b) || semver.compareBuild(b.version, a.version));
}

/** Exactly this version: the organization's own where it has one, else the system's. */
export async function findTaskDefinitionVersion(
  tx: OrganizationTransaction,
  { taskKey, version }: { readonly taskKey: string; readonly version: string },
): Promise<TaskDefinitionRow | undefined> {
  const rows = await tx
    .selectFrom('task_definitions')
    .selectAll()
    .where('task_id', '=', taskKey)
    .where('version', '=', version)
    .execute();
  return rows.find((row) => row.org_id === organizationOf(tx)) ?? rows[0];
}

export interface ListTaskDefinitions extends PageRequest {
  /** Leaves out versions that were taken out of use. @default false */
  readonly activeOnly?: boolean | undefined;
  /** Leaves out the system's. @default false */
  readonly ownOnly?: boolean | undefined;
}

/** Task versions the organization may use, newest first. */
export async function listTaskDefinitions(
  tx: OrganizationTransaction,
  request: ListTaskDefinitions = {},
): Promise<Page<TaskDefinitionRow>> {
  let query = tx.selectFrom('task_definitions').selectAll().where('task_definition_id', '<', idBeforePage(request));
  if (request.activeOnly) query = query.where('is_active', '=', true);
  if (request.ownOnly) query = query.where('org_id', '=', organizationOf(tx));
  const rows = await query
    .orderBy('task_definition_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.task_definition_id]);
}

/**
 * Writes one version of a task. It is a system task exactly when the transaction is the system organization's.
 * @throws {ValidationFailedError} when the version is no semver.
 * @throws {ConflictError} when the organization has this version already.
 */
export async function insertTaskDefinition(
  tx: OrganizationTransaction,
  definition: Omit<OwnedRow<NewTaskDefinitionRow>, 'is_system'>,
): Promise<TaskDefinitionRow> {
  const { version = '1.0.0' } = definition;
  requireSemver(version);
  const org_id = organizationOf(tx);
  const row = {
    ...definition,
    version,
    task_definition_id: definition.task_definition_id ?? newId(),
    org_id,
    is_system: org_id === SYSTEM_ORG_ID,
  };
  return translateRefusal({ entity, id: `${row.task_id}@${version}`, hint }, () =>
    tx.insertInto('task_definitions').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** What may change of a task version: never its interface, nor what names it. */
export type TaskDefinitionChange = Pick<
  TaskDefinitionRowUpdate,
  'metadata' | 'service_config' | 'is_active' | 'interface_digest' | 'determinism' | 'image_digest' | 'producer'
>;

/**
 * Changes all but the interface of a task version.
 * @throws {NotFoundError} also for a system task, unless the transaction is the system organization's.
 */
export async function updateTaskDefinition(
  tx: OrganizationTransaction,
  { taskDefinitionId, set }: { readonly taskDefinitionId: string; readonly set: TaskDefinitionChange },
): Promise<TaskDefinitionRow> {
  if (isEmpty(set)) return getTaskDefinition(tx, { taskDefinitionId });
  const row = await translateRefusal({ entity, id: taskDefinitionId, hint }, () =>
    tx
      .updateTable('task_definitions')
      .set(set)
      .where('task_definition_id', '=', rowId(taskDefinitionId))
      .returningAll()
      .executeTakeFirst(),
  );
  return found(row, { entity, id: taskDefinitionId });
}

/**
 * Returns false when the organization owns no such version.
 * @throws {RowRefusedError} while a service or a template's step refers to it: take it out of use by `is_active` instead.
 */
export async function deleteTaskDefinition(
  tx: OrganizationTransaction,
  { taskDefinitionId }: { readonly taskDefinitionId: string },
): Promise<boolean> {
  const { numDeletedRows } = await translateRefusal({ entity, id: taskDefinitionId }, () =>
    tx
      .deleteFrom('task_definitions')
      .where('task_definition_id', '=', rowId(taskDefinitionId))
      .executeTakeFirstOrThrow(),
  );
  return numDeletedRows > 0n;
}
