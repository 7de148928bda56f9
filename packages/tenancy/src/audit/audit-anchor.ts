import { checkRequest, FIRST_PREV_HASH, type MetadataDatabase, type OrgId, readAuditChainEnd } from '@mad/core';
import { type AuditReader, openAuditTrail } from './audit-reader.ts';
import { trailRequest } from './audit-request.ts';

/** How far a trail had come at some time, to be kept where whoever administers the database cannot write. */
export interface AuditAnchor {
  /** Number of the last entry, 0 for none. */
  readonly seq: number;
  /** Its hash, 64 hex digits. */
  readonly hash: string;
}

/**
 * Where the trail stands now. Kept elsewhere and given to `verifyAudit` later, it shows that nothing up to here was rewritten or cut off: the database
 * alone cannot, as whoever is its superuser can reckon a whole chain anew. Needs `audit.view`.
 * @throws {PermissionDeniedError} @throws {NotFoundError} for another organization. @throws {ValidationFailedError}
 */
export async function auditAnchor(
  metadata: MetadataDatabase,
  reader: AuditReader,
  request: { readonly orgId?: OrgId | null | undefined } = {},
): Promise<AuditAnchor> {
  checkRequest(trailRequest, { subject: 'audit trail', value: request });
  const { orgId } = request;
  const { chainId, read } = await openAuditTrail(metadata, reader, orgId);
  const { head } = await read((tx) => readAuditChainEnd(tx, { chainId }));
  return head ?? { seq: 0, hash: FIRST_PREV_HASH };
}
