import {
  type AuditLogRow,
  checkRequest,
  type JsonObject,
  listAuditLogs,
  type MetadataDatabase,
  type OrgId,
  type Page,
} from '@mad/core';
import { type AuditReader, openAuditTrail } from './audit-reader.ts';
import { listRequest } from './audit-request.ts';

/** Which entries: those that meet all that is given. */
export interface ListAudit {
  /** @default the reader's own; for the operator what names no organization */
  readonly orgId?: OrgId | null | undefined;
  /** The user who did it, also one that is deleted. */
  readonly actor?: string | undefined;
  readonly action?: string | undefined;
  readonly entityType?: string | undefined;
  readonly entityId?: string | undefined;
  /** Written then or later. */
  readonly from?: Date | undefined;
  /** Written before then. */
  readonly to?: Date | undefined;
  /** @default 50, at most 500 */
  readonly limit?: number | undefined;
  /** `nextCursor` of the page before. */
  readonly cursor?: string | undefined;
}

/** An entry of the trail. */
export interface AuditRecord {
  readonly auditId: string;
  /** 1, 2, 3 … in the organization's chain. */
  readonly seq: number;
  readonly hash: string;
  readonly at: Date;
  /** Who did it, as they were then; null for a program. */
  readonly actor: { readonly userId: string; readonly email: string | null } | null;
  readonly action: string;
  readonly entityType: string;
  readonly entityId: string | null;
  /** `auditDigest` of what stood before and of what stood then; null where nothing did, or where none was taken. */
  readonly before: string | null;
  readonly after: string | null;
  readonly facts: JsonObject;
}

/**
 * The audit trail of an organization, newest first. Needs `audit.view`.
 * @throws {PermissionDeniedError} @throws {NotFoundError} for another organization. @throws {ValidationFailedError}
 */
export async function listAudit(
  metadata: MetadataDatabase,
  reader: AuditReader,
  request: ListAudit = {},
): Promise<Page<AuditRecord>> {
  checkRequest(listRequest, { subject: 'audit list', value: request });
  const { orgId, actor, ...filter } = request;
  const { chainId, read } = await openAuditTrail(metadata, reader, orgId);
  const page = await read((tx) => listAuditLogs(tx, { ...filter, userId: actor, chainId }));
  return { ...page, items: page.items.map(toRecord) };
}

function toRecord(row: AuditLogRow): AuditRecord {
  const { actor, before, after, ...facts } = row.metadata;
  return {
    auditId: row.audit_id,
    seq: row.seq,
    hash: row.hash,
    at: row.ts,
    actor: toActor(actor),
    action: row.action,
    entityType: row.entity_type,
    entityId: row.entity_id,
    before: typeof before === 'string' ? before : null,
    after: typeof after === 'string' ? after : null,
    facts,
  };
}

function toActor(actor: unknown): AuditRecord['actor'] {
  if (typeof actor !== 'object' || actor === null || !('user_id' in actor)) return null;
  const email = 'email' in actor && typeof actor.email === 'string' ? actor.email : null;
  return typeof actor.user_id === 'string' ? { userId: actor.user_id, email } : null;
}
