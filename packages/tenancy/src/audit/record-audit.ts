import { hash } from 'node:crypto';
import {
  type Caller,
  insertAuditLog,
  insertOperatorAuditLog,
  type JsonObject,
  type OperatorTransaction,
  type OrganizationTransaction,
  type OrgId,
  sortedJson,
} from '@mad/core';

/** What was done, to what. */
export interface AuditedChange {
  /** As permissions are named: `user.disable`. */
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string | null;
  /** What stood before; absent for what is new. Only its digest is kept. */
  readonly before?: JsonObject | undefined;
  /** What stands now; absent for what is gone. Only its digest is kept. */
  readonly after?: JsonObject | undefined;
  /** What a reader of the trail should see; never a secret. `before`, `after` and `actor` are not names of facts. */
  readonly facts?: JsonObject | undefined;
}

/**
 * Adds the change to the organization's audit trail, in the transaction of the change: as the last thing it does, because until it ends whoever adds
 * another entry for this organization waits.
 */
export async function recordAudit(
  tx: OrganizationTransaction,
  caller: Pick<Caller, 'userId'>,
  change: AuditedChange,
): Promise<void> {
  await insertAuditLog(tx, toEntry(change, caller.userId));
}

/** The same for what an operator does to an organization, or to the platform where `orgId` is null. `actor`: the user who did it, null for a program. */
export async function recordOperatorAudit(
  tx: OperatorTransaction,
  { orgId, actor }: { readonly orgId: OrgId | null; readonly actor: string | null },
  change: AuditedChange,
): Promise<void> {
  await insertOperatorAuditLog(tx, { orgId, entry: toEntry(change, actor) });
}

function toEntry({ action, entityType, entityId, before, after, facts = {} }: AuditedChange, userId: string | null) {
  const metadata = {
    ...facts,
    ...(before && { before: auditDigest(before) }),
    ...(after && { after: auditDigest(after) }),
  };
  return { user_id: userId, action, entity_type: entityType, entity_id: entityId, metadata };
}

/** SHA-256 of an object as JSON with its keys in order, 64 hex digits: what `before` and `after` of an entry are compared with. */
export function auditDigest(value: JsonObject): string {
  return hash('sha256', sortedJson(value), 'hex');
}
