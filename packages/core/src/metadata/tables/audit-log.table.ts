import type { ColumnType, Generated, GeneratedAlways, Insertable, Selectable } from 'kysely';
import type { JsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** The table `audit_logs`. */
export interface AuditLogTable {
  audit_id: Generated<string>;
  org_id: string | null;
  /** Blank once the user is deleted; `metadata.actor` keeps the id and the e-mail. */
  user_id: string | null;
  action: string;
  entity_type: string;
  entity_id: string | null;
  metadata: JsonbColumn;
  ts: TimestampColumn;
  /** The organization when the row was written, `PLATFORM_CHAIN_ID` where it names none; it stays when the organization goes. */
  chain_id: GeneratedAlways<string>;
  /** 1, 2, 3 … in its chain, without gaps. Drivers give a bigint as text. */
  seq: ColumnType<number | string, never, never>;
  /** `hash` of the row before; 64 zeros in the first. */
  prev_hash: GeneratedAlways<string>;
  /** SHA-256 of the row and of `prev_hash`, 64 hex digits; see `auditHash`. */
  hash: GeneratedAlways<string>;
}

/** The table `audit_chains`: the head of each chain, moved by the trigger of `audit_logs` alone. */
export interface AuditChainTable {
  chain_id: GeneratedAlways<string>;
  seq: ColumnType<number | string, never, never>;
  hash: GeneratedAlways<string>;
}

/** A row of `audit_logs`. */
export type AuditLogRow = Omit<Selectable<AuditLogTable>, 'seq'> & { seq: number };
/** A row to insert into `audit_logs`; columns with a default may be left out. */
export type NewAuditLogRow = Insertable<AuditLogTable>;
