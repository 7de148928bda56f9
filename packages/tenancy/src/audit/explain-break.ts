import { type AuditChainHead, auditHash, type ChainedAuditLog, FIRST_PREV_HASH, listAuditChain } from '@mad/core';
import type { AuditTrail } from './audit-reader.ts';
import { type AuditTampering, toTampering } from './tampering.ts';

/** Where a chain does not go on as it should: `row` and what stands around it, all before `row` as it should be for itself. */
export interface ChainBreak {
  readonly before: ChainedAuditLog | undefined;
  readonly previous: ChainedAuditLog | undefined;
  readonly row: ChainedAuditLog;
  readonly next: ChainedAuditLog | undefined;
  readonly head: AuditChainHead | undefined;
}

const PAGE = 5_000;

/** Which row is to blame, and what happened to it. Looks through the chain once where a row may come from another place. */
export async function explainBreak(trail: AuditTrail, at: ChainBreak): Promise<AuditTampering> {
  const { previous, row } = at;
  const expected = (previous?.seq ?? 0) + 1;
  if (row.seq > expected) return toTampering({ kind: 'missing', seq: expected });
  if (row.seq < expected) return blame('inserted', row);
  if (auditHash(row) === row.hash) return explainLink(at);
  const shifted = explainShift(at);
  if (shifted) return shifted;
  const belongsAt = await findPlace(trail, row);
  return belongsAt === undefined
    ? blame('changed', row)
    : toTampering({ kind: 'order', seq: row.seq, auditId: row.audit_id, belongsAt });
}

/** The row's hash is its own. Where the row after it, or the head, builds on it, the one before was written anew for itself alone. */
function explainLink({ previous, row, next, head }: ChainBreak): AuditTampering {
  const isLinked = row.prev_hash === (previous?.hash ?? FIRST_PREV_HASH);
  const isBuiltOn = (next ? next.prev_hash : head?.hash) === row.hash;
  return !isLinked && isBuiltOn && previous ? blame('changed', previous) : blame('changed', row);
}

/** Rows behind one that was put in or taken out were numbered anew, and their hashes tell what numbers they had. */
function explainShift({ before, previous, row, next, head }: ChainBreak): AuditTampering | undefined {
  if (previous && wasNumber(row, previous.seq) && row.prev_hash === (before?.hash ?? FIRST_PREV_HASH))
    return blame('inserted', previous);
  if (next && wasNumber(next, row.seq) && !wasNumber(row, next.seq)) return blame('inserted', row);
  if (wasNumber(row, row.seq + 1) && (!next || wasNumber(next, next.seq + 1)))
    return toTampering({ kind: 'missing', seq: row.seq });
  if (head && row.seq > head.seq) return blame('inserted', row);
  return undefined;
}

function wasNumber(row: ChainedAuditLog, seq: number): boolean {
  return auditHash({ ...row, seq }) === row.hash;
}

/** The number of another row whose place this one had: by its own hash, or by the hash that stayed there. */
async function findPlace({ chainId, read }: AuditTrail, row: ChainedAuditLog): Promise<number | undefined> {
  let after: { seq: number; auditId: string } | undefined;
  for (;;) {
    const rows = await read((tx) => listAuditChain(tx, { chainId, after, limit: PAGE }));
    const place = rows.find(
      ({ seq, prev_hash, hash }) =>
        seq !== row.seq && (wasNumber(row, seq) || auditHash({ ...row, seq, prev_hash }) === hash),
    );
    const last = rows.at(-1);
    if (place || !last || rows.length < PAGE) return place?.seq;
    after = { seq: last.seq, auditId: last.audit_id };
  }
}

function blame(kind: 'changed' | 'inserted', { seq, audit_id }: ChainedAuditLog): AuditTampering {
  return toTampering({ kind, seq, auditId: audit_id });
}
