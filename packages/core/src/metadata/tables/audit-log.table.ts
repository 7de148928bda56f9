import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { JsonColumn, TimestampColumn } from './column-types.ts';

/** The table `audit_logs`. */
export interface AuditLogTable {
  audit_id: Generated<string>;
  org_id: string | null;
  /** Blank once the user is deleted; `metadata.actor` keeps the id and the e-mail. */
  user_id: string | null;
  action: string;
  entity_type: string;
  entity_id: string | null;
  metadata: JsonColumn;
  ts: TimestampColumn;
}

/** A row of `audit_logs`. */
export type AuditLog = Selectable<AuditLogTable>;
/** A row to insert into `audit_logs`; columns with a default may be left out. */
export type NewAuditLog = Insertable<AuditLogTable>;
/** The columns of `audit_logs` to change. */
export type AuditLogUpdate = Updateable<AuditLogTable>;
