import { newId, type OrgId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { AuditLogRow, NewAuditLogRow } from './tables/audit-log.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'audit log';

/** An entry of the audit trail. */
export function findAuditLog(
  tx: MetadataTransaction,
  { auditId }: { readonly auditId: string },
): Promise<AuditLogRow | undefined> {
  return tx.selectFrom('audit_logs').selectAll().where('audit_id', '=', rowId(auditId)).executeTakeFirst();
}

/** As `findAuditLog`, for a row that must be there. @throws {NotFoundError} */
export async function getAuditLog(
  tx: MetadataTransaction,
  { auditId }: { readonly auditId: string },
): Promise<AuditLogRow> {
  return found(await findAuditLog(tx, { auditId }), { entity, id: auditId });
}

export interface ListAuditLogs extends PageRequest {
  readonly userId?: string | undefined;
  readonly action?: string | undefined;
  readonly entityType?: string | undefined;
  readonly entityId?: string | undefined;
}

/** The audit trail, newest first. */
export async function listAuditLogs(tx: MetadataTransaction, request: ListAuditLogs = {}): Promise<Page<AuditLogRow>> {
  const { userId, action, entityType, entityId } = request;
  let query = tx.selectFrom('audit_logs').selectAll().where('audit_id', '<', idBeforePage(request));
  if (userId !== undefined) query = query.where('user_id', '=', rowId(userId));
  if (action !== undefined) query = query.where('action', '=', action);
  if (entityType !== undefined) query = query.where('entity_type', '=', entityType);
  if (entityId !== undefined) query = query.where('entity_id', '=', entityId);
  const rows = await query
    .orderBy('audit_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.audit_id]);
}

/** What happened, without the database's part: the time is its own. */
export type AuditEntry = Omit<OwnedRow<NewAuditLogRow>, 'ts'>;

/**
 * Adds an entry for good, in the transaction of what it tells. The database copies the actor's id and e-mail into `metadata.actor`, so that
 * they outlive the user.
 */
export function insertAuditLog(tx: OrganizationTransaction, entry: AuditEntry): Promise<AuditLogRow> {
  return insert(tx, { ...entry, org_id: organizationOf(tx) });
}

/** Adds an entry about an organization, or about the platform where `orgId` is null. */
export function insertOperatorAuditLog(
  tx: OperatorTransaction,
  { orgId, entry }: { readonly orgId: OrgId | null; readonly entry: AuditEntry },
): Promise<AuditLogRow> {
  return insert(tx, { ...entry, org_id: orgId });
}

function insert(tx: MetadataTransaction, entry: NewAuditLogRow): Promise<AuditLogRow> {
  const row = { ...entry, audit_id: entry.audit_id ?? newId() };
  return translateRefusal({ entity, id: row.audit_id }, () =>
    tx.insertInto('audit_logs').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}
