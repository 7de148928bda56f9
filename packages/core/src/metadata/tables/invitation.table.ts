import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** The table `invitations`. */
export interface InvitationTable {
  invitation_id: Generated<string>;
  org_id: string;
  /** CITEXT: compares without case. */
  email: string;
  /** Roles of the organization that are granted on acceptance, as far as they are still there. */
  role_ids: string[];
  /** SHA-256 of the secret part of the bearer value, 64 lower-case hex digits. The value itself is kept nowhere. */
  secret_hash: string;
  invited_by: string | null;
  expires_at: ColumnType<Date, Date | string, Date | string>;
  accepted_at: NullableTimestampColumn;
  revoked_at: NullableTimestampColumn;
  created_at: TimestampColumn;
}

/** A row of `invitations`. */
export type InvitationRow = Selectable<InvitationTable>;
/** A row to insert into `invitations`; columns with a default may be left out. */
export type NewInvitationRow = Insertable<InvitationTable>;
/** The columns of `invitations` to change. */
export type InvitationRowUpdate = Updateable<InvitationTable>;
