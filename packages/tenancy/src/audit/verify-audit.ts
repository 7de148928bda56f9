import {
  type AuditChainEnd,
  auditHash,
  type ChainedAuditLog,
  checkRequest,
  FIRST_PREV_HASH,
  listAuditChain,
  type MetadataDatabase,
  type OrgId,
  PLATFORM_CHAIN_ID,
  readAuditChainEnd,
} from '@mad/core';
import type { AuditAnchor } from './audit-anchor.ts';
import { type AuditReader, type AuditTrail, openAuditTrail } from './audit-reader.ts';
import { verifyRequest } from './audit-request.ts';
import { explainBreak } from './explain-break.ts';
import { type AuditTampering, toStray, toTampering } from './tampering.ts';

/** Which trail to verify, and against what. */
export interface VerifyAudit {
  /** @default the reader's own; for the operator what names no organization */
  readonly orgId?: OrgId | null | undefined;
  /** What `auditAnchor` said earlier, from where it was kept. */
  readonly anchor?: AuditAnchor | undefined;
  /** Told after each 5,000 rows. */
  readonly onProgress?: ((progress: { readonly rows: number }) => void) | undefined;
}

/** What verifying found. */
export interface AuditVerification {
  readonly orgId: OrgId | null;
  /** Rows that are as they were written, from the first on. */
  readonly rows: number;
  /** The last of them: the anchor to note next, where nothing was tampered with. */
  readonly head: AuditAnchor;
  /** The first row that is not as it was written; null where all are. */
  readonly tampering: AuditTampering | null;
}

const PAGE = 5_000;

/** How far the chain was followed. */
interface Walk {
  readonly before?: ChainedAuditLog | undefined;
  readonly previous?: ChainedAuditLog | undefined;
}

/**
 * Follows the trail from its first row to its head and names the first row that was tampered with, while others add to it. Holds 5,000 rows at a
 * time. Whoever is superuser of the database can write a whole chain anew: that, and a chain cut off together with its head, show against an anchor only.
 * Needs `audit.view`.
 * @throws {PermissionDeniedError} @throws {NotFoundError} for another organization. @throws {ValidationFailedError}
 */
export async function verifyAudit(
  metadata: MetadataDatabase,
  reader: AuditReader,
  request: VerifyAudit = {},
): Promise<AuditVerification> {
  checkRequest(verifyRequest, { subject: 'audit verification', value: request });
  const { orgId, anchor, onProgress } = request;
  const trail = await openAuditTrail(metadata, reader, orgId);
  let walk: Walk = {};
  const found = (tampering: AuditTampering | null): AuditVerification => {
    const { seq = 0, hash = FIRST_PREV_HASH } = walk.previous ?? {};
    return { orgId: trail.orgId, rows: seq, head: { seq, hash }, tampering };
  };
  for (;;) {
    const rows = await readBehind(trail, walk.previous, PAGE);
    for (const [n, row] of rows.entries()) {
      if (!follows(row, walk.previous)) return found(await explain(trail, { ...walk, row, next: rows[n + 1] }));
      if (row.seq === anchor?.seq && row.hash !== anchor.hash)
        return found(toTampering({ kind: 'rewritten', seq: row.seq, auditId: row.audit_id }));
      walk = { before: walk.previous, previous: row };
    }
    onProgress?.({ rows: walk.previous?.seq ?? 0 });
    if (rows.length === PAGE) continue;
    const end = await trail.read((tx) => readAuditChainEnd(tx, trail));
    if (end.lastSeq <= (walk.previous?.seq ?? 0)) return found(await judgeEnd(trail, { end, walk, anchor }));
  }
}

function readBehind(
  { chainId, read }: AuditTrail,
  row: ChainedAuditLog | undefined,
  limit: number,
): Promise<readonly ChainedAuditLog[]> {
  const after = row && { seq: row.seq, auditId: row.audit_id };
  return read((tx) => listAuditChain(tx, { chainId, after, limit }));
}

/** True where the row is as it was written, right behind the one before. Its organization and user are not hashed, and blank once these are gone. */
function follows(row: ChainedAuditLog, previous: ChainedAuditLog | undefined): boolean {
  return (
    row.seq === (previous?.seq ?? 0) + 1 &&
    row.prev_hash === (previous?.hash ?? FIRST_PREV_HASH) &&
    (row.org_id === null || (row.org_id === row.chain_id && row.chain_id !== PLATFORM_CHAIN_ID)) &&
    (row.user_id === null || row.user_id === row.actor_id) &&
    auditHash(row) === row.hash
  );
}

interface Break extends Walk {
  readonly row: ChainedAuditLog;
  readonly next: ChainedAuditLog | undefined;
}

async function explain(trail: AuditTrail, { before, previous, row, next }: Break): Promise<AuditTampering> {
  const { head } = await trail.read((tx) => readAuditChainEnd(tx, trail));
  const [following] = next ? [next] : await readBehind(trail, row, 1);
  return explainBreak(trail, { before, previous, row, next: following, head });
}

interface End {
  readonly end: AuditChainEnd;
  readonly walk: Walk;
  readonly anchor: AuditAnchor | undefined;
}

/** Every row is as it was written: whether there are as many as there should be. */
async function judgeEnd(trail: AuditTrail, { end, walk, anchor }: End): Promise<AuditTampering | null> {
  const { seq, hash, audit_id: auditId } = walk.previous ?? { seq: 0, hash: FIRST_PREV_HASH, audit_id: undefined };
  const head = end.head ?? { seq: 0, hash: FIRST_PREV_HASH };
  if (head.seq > seq) return toTampering({ kind: 'missing', seq: seq + 1 });
  if (head.seq < seq) {
    const [ahead] = await trail.read((tx) =>
      listAuditChain(tx, {
        chainId: trail.chainId,
        after: { seq: head.seq + 1, auditId: PLATFORM_CHAIN_ID },
        limit: 1,
      }),
    );
    return toTampering({ kind: 'head_behind', seq: head.seq + 1, auditId: ahead?.audit_id });
  }
  if (head.hash !== hash) return toTampering({ kind: 'changed', seq, auditId });
  if (anchor && anchor.seq > seq) return toTampering({ kind: 'truncated', seq: seq + 1 });
  return end.strayId === undefined ? null : toStray(end.strayId);
}
