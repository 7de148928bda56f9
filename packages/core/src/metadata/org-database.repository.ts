import { type OrgId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import type { MetadataTransaction, OperatorTransaction } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import type {
  NewOrgDatabaseRow,
  OrgDatabaseRow,
  OrgDatabaseRowUpdate,
  OrgDatabaseState,
} from './tables/org-database.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'results database of organization';
const hint = 'one organization has one results database, and no two share a place';

/** Where the organization's Results DB is; undefined before it was provisioned. */
export function findOrgDatabase(
  tx: MetadataTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<OrgDatabaseRow | undefined> {
  return tx.selectFrom('org_databases').selectAll().where('org_id', '=', rowId(orgId)).executeTakeFirst();
}

/** As `findOrgDatabase`, for a row that must be there. @throws {NotFoundError} */
export async function getOrgDatabase(
  tx: MetadataTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<OrgDatabaseRow> {
  return found(await findOrgDatabase(tx, { orgId }), { entity, id: orgId, where: 'this platform' });
}

export interface ListOrgDatabases extends PageRequest {
  readonly state?: OrgDatabaseState | undefined;
  readonly cluster?: string | undefined;
}

/** The fleet's Results DBs, those of the newest organizations first. */
export async function listOrgDatabases(
  tx: OperatorTransaction,
  request: ListOrgDatabases = {},
): Promise<Page<OrgDatabaseRow>> {
  let query = tx.selectFrom('org_databases').selectAll().where('org_id', '<', idBeforePage(request));
  if (request.state !== undefined) query = query.where('state', '=', request.state);
  if (request.cluster !== undefined) query = query.where('cluster', '=', request.cluster);
  const rows = await query
    .orderBy('org_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.org_id]);
}

/**
 * Notes where an organization's Results DB is, or is to be.
 * @throws {ConflictError} when the organization has one already, or another organization's is in that place.
 */
export function insertOrgDatabase(tx: OperatorTransaction, database: NewOrgDatabaseRow): Promise<OrgDatabaseRow> {
  return translateRefusal({ entity, id: database.org_id, hint }, () =>
    tx.insertInto('org_databases').values(database).returningAll().executeTakeFirstOrThrow(),
  );
}

/**
 * Changes the columns given; `updated_at` is the database's own.
 * @throws {NotFoundError}
 * @throws {ConflictError} when another organization's Results DB is in that place.
 */
export async function updateOrgDatabase(
  tx: OperatorTransaction,
  { orgId, set }: { readonly orgId: OrgId; readonly set: Omit<OrgDatabaseRowUpdate, 'org_id'> },
): Promise<OrgDatabaseRow> {
  if (isEmpty(set)) return getOrgDatabase(tx, { orgId });
  const row = await translateRefusal({ entity, id: orgId, hint }, () =>
    tx.updateTable('org_databases').set(set).where('org_id', '=', rowId(orgId)).returningAll().executeTakeFirst(),
  );
  return found(row, { entity, id: orgId });
}

/** Forgets the place; the database itself is not touched. Returns false when there was no such row. */
export async function deleteOrgDatabase(
  tx: OperatorTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('org_databases')
    .where('org_id', '=', rowId(orgId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
