import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The table `users`. */
export interface UserTable {
  user_id: Generated<string>;
  /** CITEXT: compares without case. */
  email: string;
  hashed_password: string;
  enabled: Generated<boolean>;
  created_at: TimestampColumn;
}

/** A row of `users`. */
export type UserRow = Selectable<UserTable>;
/** A row to insert into `users`; columns with a default may be left out. */
export type NewUserRow = Insertable<UserTable>;
/** The columns of `users` to change. */
export type UserRowUpdate = Updateable<UserTable>;
