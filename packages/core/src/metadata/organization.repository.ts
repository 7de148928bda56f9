import { newId, type OrgId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import type { MetadataTransaction, OperatorTransaction } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import type {
  NewOrganizationRow,
  OrganizationRow,
  OrganizationRowUpdate,
  OrganizationStatus,
} from './tables/organization.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'organization';
const where = 'this platform';
const hint = 'choose another name: names differ by more than case';

/** The organization; undefined when it does not exist or the transaction is another's. */
export function findOrganization(
  tx: MetadataTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<OrganizationRow | undefined> {
  return tx.selectFrom('organizations').selectAll().where('org_id', '=', rowId(orgId)).executeTakeFirst();
}

/** As `findOrganization`, for a row that must be there. @throws {NotFoundError} */
export async function getOrganization(
  tx: MetadataTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<OrganizationRow> {
  return found(await findOrganization(tx, { orgId }), { entity, id: orgId, where });
}

/** The organization of this name, whatever its case. */
export function findOrganizationByName(
  tx: OperatorTransaction,
  { name }: { readonly name: string },
): Promise<OrganizationRow | undefined> {
  return tx
    .selectFrom('organizations')
    .selectAll()
    .where((eb) => eb(eb.fn<string>('lower', ['name']), '=', eb.fn<string>('lower', [eb.val(name)])))
    .executeTakeFirst();
}

/** The organizations of the platform, newest first, without the reserved system organization. */
export async function listOrganizations(
  tx: OperatorTransaction,
  request: PageRequest & { readonly status?: OrganizationStatus | undefined } = {},
): Promise<Page<OrganizationRow>> {
  let query = tx
    .selectFrom('organizations')
    .selectAll()
    .where('status', '<>', 'system')
    .where('org_id', '<', idBeforePage(request));
  if (request.status !== undefined) query = query.where('status', '=', request.status);
  const rows = await query
    .orderBy('org_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.org_id]);
}

/** The ids of all organizations that work now: what fleet loops go through. */
export async function listActiveOrganizationIds(tx: OperatorTransaction): Promise<readonly OrgId[]> {
  const rows = await tx
    .selectFrom('organizations')
    .select('org_id')
    .where('status', '=', 'active')
    .orderBy('org_id')
    .execute();
  return rows.map((row) => row.org_id);
}

/** Writes an organization; `status` says `active` unless given. @throws {ConflictError} when the name is taken in any case. */
export function insertOrganization(
  tx: OperatorTransaction,
  organization: NewOrganizationRow,
): Promise<OrganizationRow> {
  const row = { ...organization, org_id: organization.org_id ?? newId() };
  return translateRefusal({ entity, id: row.name, hint }, () =>
    tx.insertInto('organizations').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes the columns given. @throws {NotFoundError} @throws {ConflictError} when the new name is taken in any case. */
export async function updateOrganization(
  tx: OperatorTransaction,
  { orgId, set }: { readonly orgId: OrgId; readonly set: Omit<OrganizationRowUpdate, 'org_id'> },
): Promise<OrganizationRow> {
  if (isEmpty(set)) return getOrganization(tx, { orgId });
  const row = await translateRefusal({ entity, id: set.name ?? orgId, hint }, () =>
    tx.updateTable('organizations').set(set).where('org_id', '=', rowId(orgId)).returningAll().executeTakeFirst(),
  );
  return found(row, { entity, id: orgId, where });
}

/**
 * Removes the organization with all that it owns in the Metadata DB, published versions too; its tokens are revoked and its audit logs stay.
 * Its Results DB and its artifacts are not touched. Returns false when there was none.
 * @throws {RowRefusedError} for the system organization, and while another organization's jobs refer to its pipelines.
 */
export async function deleteOrganization(
  tx: OperatorTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<boolean> {
  const id = rowId(orgId);
  const { numDeletedRows } = await translateRefusal({ entity, id: orgId }, async () => {
    // In the order the foreign keys ask for: a plain cascade meets jobs that restrict, and tasks that do not cascade at all.
    await tx.updateTable('organizations').set({ status: 'deleting' }).where('org_id', '=', id).execute();
    await tx.deleteFrom('jobs_meta').where('org_id', '=', id).execute();
    await tx.deleteFrom('pipelines').where('org_id', '=', id).execute();
    await tx.deleteFrom('pipeline_templates').where('org_id', '=', id).execute();
    const tasks = tx.selectFrom('task_definitions').select('task_definition_id').where('org_id', '=', id);
    await tx.deleteFrom('task_services').where('task_definition_id', 'in', tasks).execute();
    await tx.deleteFrom('task_definitions').where('org_id', '=', id).execute();
    return tx.deleteFrom('organizations').where('org_id', '=', id).executeTakeFirstOrThrow();
  });
  return numDeletedRows > 0n;
}
