import { type JsonObject, type OperatorTransaction, type OrgId, recordOperatorAudit } from '@mad/core';
import { type SqlBool, sql } from 'kysely';
import { countRows } from '../archive/archive-manifest.ts';
import type { Restore } from './remove-restored.ts';

/** What the audit trail says of a restore, whoever asks and whatever became of the process. */
export interface RestoreNotes {
  /** Whether files of the organization were stored before it began. */
  readonly hadFiles: boolean;
  /** The users that it made. */
  readonly users: readonly string[];
}

/** Notes that a restore begins, with what it is of. */
export function noteBegin(tx: OperatorTransaction, restore: Restore, hadFiles: boolean): Promise<void> {
  return note(tx, restore, { action: BEGIN, facts: { ...tell(restore), had_files: hadFiles } });
}

/** Notes that the organization lives. */
export function noteEnd(tx: OperatorTransaction, restore: Restore): Promise<void> {
  return note(tx, restore, { action: 'organization.restore', facts: tell(restore) });
}

/** Notes the users that a restore has made, in the transaction that makes them. */
export function noteUsers(tx: OperatorTransaction, restore: Restore, users: readonly string[]): Promise<void> {
  return note(tx, restore, { action: USERS, facts: { users: [...users] } });
}

export async function readNotes(
  tx: OperatorTransaction,
  { orgId, restoreId }: { readonly orgId: OrgId; readonly restoreId: string | null },
): Promise<RestoreNotes> {
  const noted = await tx
    .selectFrom('audit_logs')
    .select(['action', 'metadata'])
    .where('org_id', '=', orgId)
    .where('action', 'in', [BEGIN, USERS])
    .where(sql<SqlBool>`metadata ->> 'restore' = ${restoreId}`)
    .execute();
  const [begin] = noted.filter(({ action }) => action === BEGIN);
  return {
    hadFiles: begin?.metadata.had_files !== false,
    users: noted.flatMap(({ metadata: { users } }) => (Array.isArray(users) ? users.map(String) : [])),
  };
}

const BEGIN = 'organization.restore.begin';
const USERS = 'organization.restore.users';

const tell = ({ manifest }: Restore) => ({
  exported_at: manifest.exported_at,
  rows: countRows(manifest),
  files: manifest.files,
});

function note(
  tx: OperatorTransaction,
  { manifest: { org_id: orgId }, restoreId, actor }: Restore,
  { action, facts }: { readonly action: string; readonly facts: JsonObject },
): Promise<void> {
  const change = { action, entityType: 'organization', entityId: orgId, facts: { ...facts, restore: restoreId } };
  return recordOperatorAudit(tx, { orgId, actor }, change);
}
