import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
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
}

/** A row of `audit_logs`. */
export type AuditLogRow = Selectable<AuditLogTable>;
/** A row to insert into `audit_logs`; columns with a default may be left out. */
export type NewAuditLogRow = Insertable<AuditLogTable>;
/** The columns of `audit_logs` to change. */
export type AuditLogRowUpdate = Updateable<AuditLogTable>;
