import {
  authorize,
  type Caller,
  findOrganization,
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  type MetadataTransaction,
  NotFoundError,
  type OrgId,
  PLATFORM_CHAIN_ID,
  readAuditChainEnd,
} from '@mad/core';

/** Who reads a trail: a member of the organization who holds `audit.view`, or the platform's operator. Never say `operator` on a caller's word. */
export type AuditReader = Caller | 'operator';

/** The trail of one organization, or of the platform, as its reader sees it. */
export interface AuditTrail {
  readonly orgId: OrgId | null;
  readonly chainId: string;
  read<Result>(run: (tx: MetadataTransaction) => Promise<Result>): Promise<Result>;
}

/**
 * Opens a trail. `orgId` absent: a member's own organization, for the operator the entries that name none. That of an organization that is gone
 * is still there for the operator.
 * @throws {PermissionDeniedError} @throws {NotFoundError}
 */
export async function openAuditTrail(
  metadata: MetadataDatabase,
  reader: AuditReader,
  orgId: OrgId | null | undefined,
): Promise<AuditTrail> {
  if (reader === 'operator') return openAsOperator(metadata, orgId ?? null);
  authorize(reader, 'audit.view');
  const { orgId: own } = reader;
  if (orgId !== undefined && orgId?.toLowerCase() !== own.toLowerCase()) throw unknown(orgId);
  return { orgId: own, chainId: own.toLowerCase(), read: (run) => inOrganization(metadata, own, run) };
}

async function openAsOperator(metadata: MetadataDatabase, orgId: OrgId | null): Promise<AuditTrail> {
  const chainId = orgId === null ? PLATFORM_CHAIN_ID : orgId.toLowerCase();
  const trail: AuditTrail = { orgId, chainId, read: (run) => inAllOrganizations(metadata, run) };
  const isThere = await trail.read(async (tx) => {
    if (orgId === null || (await findOrganization(tx, { orgId }))) return true;
    const { head, lastSeq } = await readAuditChainEnd(tx, { chainId });
    return head !== undefined || lastSeq > 0;
  });
  if (!isThere) throw unknown(orgId);
  return trail;
}

function unknown(orgId: OrgId | null): NotFoundError {
  return new NotFoundError({
    entity: 'organization',
    id: orgId ?? 'of the platform',
    where: 'what this reader may see',
  });
}
