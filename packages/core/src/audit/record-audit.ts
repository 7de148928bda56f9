import { hash } from 'node:crypto';
import type { Caller } from '../access/caller.ts';
import { ActorUnknownError, OrganizationInactiveError, RowRefusedError, ValidationFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { type JsonObject, sortedJson } from '../json.ts';
import { insertAuditLog, insertOperatorAuditLog } from '../metadata/audit-log.repository.ts';
import {
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from '../metadata/metadata-database.ts';
import { findOrganization } from '../metadata/organization.repository.ts';
import { findNotPlainJson } from '../plain-json.ts';

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
 * another entry for this organization waits. Whoever holds a caller from before the organization was suspended or went away is refused here.
 * @throws {ActorUnknownError} for a caller who is no user.
 * @throws {OrganizationInactiveError} @throws {ValidationFailedError} for facts that are no plain JSON.
 */
export async function recordAudit(
  tx: OrganizationTransaction,
  caller: Pick<Caller, 'userId'>,
  change: AuditedChange,
): Promise<void> {
  await requireActive(tx);
  await naming(caller.userId, () => insertAuditLog(tx, toEntry(change, caller.userId)));
}

async function requireActive(tx: OrganizationTransaction): Promise<void> {
  const orgId = organizationOf(tx);
  const status = (await findOrganization(tx, { orgId }))?.status ?? 'deleted';
  if (status !== 'active' && status !== 'system') throw new OrganizationInactiveError({ orgId, status });
}

/**
 * The same for what an operator does to an organization, or to the platform where `orgId` is null. `actor`: the user who did it, null for a program.
 * @throws {ActorUnknownError}
 */
export async function recordOperatorAudit(
  tx: OperatorTransaction,
  { orgId, actor }: { readonly orgId: OrgId | null; readonly actor: string | null },
  change: AuditedChange,
): Promise<void> {
  await naming(actor, () => insertOperatorAuditLog(tx, { orgId, entry: toEntry(change, actor) }));
}

async function naming(actor: string | null, insert: () => Promise<unknown>): Promise<void> {
  try {
    await insert();
  } catch (cause) {
    const isUnknown = cause instanceof RowRefusedError && cause.constraint === 'audit_logs_user_id_fkey';
    throw isUnknown && actor !== null ? new ActorUnknownError({ actor, cause }) : cause;
  }
}

/** @throws {ValidationFailedError} for facts that JSON would lose or no database takes. */
function toEntry({ action, entityType, entityId, before, after, facts = {} }: AuditedChange, userId: string | null) {
  const bad = findNotPlainJson({ action, entityType, entityId, facts });
  if (bad)
    throw new ValidationFailedError({
      subject: 'audit entry',
      issues: [{ pointer: bad.pointer, message: `expected plain JSON, found ${bad.found}` }],
    });
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
