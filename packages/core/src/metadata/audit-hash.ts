import { hash } from 'node:crypto';

/** What the hash of an audit log covers, each as PostgreSQL writes it: `metadata` as the text of its jsonb, which parsing would not give back. */
export interface HashedAuditLog {
  readonly chain_id: string;
  readonly seq: number;
  readonly prev_hash: string;
  readonly audit_id: string;
  /** Microseconds since 1970. */
  readonly ts_us: string;
  readonly action: string;
  readonly entity_type: string;
  readonly entity_id: string | null;
  readonly metadata_text: string;
}

/** `prev_hash` of the first row of a chain. */
export const FIRST_PREV_HASH = '0'.repeat(64);

/**
 * SHA-256 of an audit log as the database reckons it when the row is written, 64 hex digits: over `mad.audit.1` and each field behind its number
 * of UTF-8 bytes and a colon, `-` for none, so that no two rows give one text.
 */
export function auditHash(row: HashedAuditLog): string {
  const fields = [
    ...[row.chain_id, String(row.seq), row.prev_hash, row.audit_id, row.ts_us],
    ...[row.action, row.entity_type, row.entity_id, row.metadata_text],
  ];
  const text = fields.map((field) => (field === null ? '-' : `${Buffer.byteLength(field)}:${field}`)).join('');
  return hash('sha256', `mad.audit.1${text}`, 'hex');
}
