import type { Insertable, Selectable, Updateable } from 'kysely';
import type { NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** The table `memberships`. */
export interface MembershipTable {
  user_id: string;
  org_id: string;
  created_at: TimestampColumn;
  /** Since when the member may do nothing in this organization; null for one who may. */
  disabled_at: NullableTimestampColumn;
}

/** A row of `memberships`. */
export type MembershipRow = Selectable<MembershipTable>;
/** A row to insert into `memberships`; columns with a default may be left out. */
export type NewMembershipRow = Insertable<MembershipTable>;
/** The columns of `memberships` to change. */
export type MembershipRowUpdate = Updateable<MembershipTable>;
