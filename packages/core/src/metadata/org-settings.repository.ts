import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import { type OperatorTransaction, type OrganizationTransaction, organizationOf } from './metadata-database.ts';
import { isEmpty, type OwnedRow } from './owned-row.ts';
import type { NewOrgSettingsRow, OrgSettingsRow, OrgSettingsRowUpdate } from './tables/org-settings.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'settings of organization';

/** The organization's settings; undefined before they were written. */
export function findOrgSettings(tx: OrganizationTransaction): Promise<OrgSettingsRow | undefined> {
  return tx.selectFrom('org_settings').selectAll().where('org_id', '=', organizationOf(tx)).executeTakeFirst();
}

/** As `findOrgSettings`, for a row that must be there. @throws {NotFoundError} */
export async function getOrgSettings(tx: OrganizationTransaction): Promise<OrgSettingsRow> {
  return found(await findOrgSettings(tx), { entity, id: organizationOf(tx) });
}

/** The settings of all organizations, the newest organizations first. */
export async function listOrgSettings(
  tx: OperatorTransaction,
  request: PageRequest = {},
): Promise<Page<OrgSettingsRow>> {
  const rows = await tx
    .selectFrom('org_settings')
    .selectAll()
    .where('org_id', '<', idBeforePage(request))
    .orderBy('org_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.org_id]);
}

/** Writes the organization's settings. @throws {ConflictError} when the organization has settings. */
export function insertOrgSettings(
  tx: OrganizationTransaction,
  settings: OwnedRow<NewOrgSettingsRow> = {},
): Promise<OrgSettingsRow> {
  const row = { ...settings, org_id: organizationOf(tx) };
  return translateRefusal({ entity, id: row.org_id, hint: 'update them' }, () =>
    tx.insertInto('org_settings').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes the columns given. @throws {NotFoundError} */
export async function updateOrgSettings(
  tx: OrganizationTransaction,
  { set }: { readonly set: OwnedRow<OrgSettingsRowUpdate> },
): Promise<OrgSettingsRow> {
  if (isEmpty(set)) return getOrgSettings(tx);
  const row = await tx
    .updateTable('org_settings')
    .set(set)
    .where('org_id', '=', organizationOf(tx))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id: organizationOf(tx) });
}

/** Returns false when there were none. */
export async function deleteOrgSettings(tx: OrganizationTransaction): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('org_settings')
    .where('org_id', '=', organizationOf(tx))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
