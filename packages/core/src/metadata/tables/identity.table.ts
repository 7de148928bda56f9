import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The table `identities`. */
export interface IdentityTable {
  identity_id: Generated<string>;
  user_id: string;
  provider_id: string;
  subject: string;
  email: string | null;
  /** What the provider said of `email` when the identity was linked. */
  email_verified: Generated<boolean>;
  linked_at: TimestampColumn;
}

/** A row of `identities`. */
export type IdentityRow = Selectable<IdentityTable>;
/** A row to insert into `identities`; columns with a default may be left out. */
export type NewIdentityRow = Insertable<IdentityTable>;
/** The columns of `identities` to change. */
export type IdentityRowUpdate = Updateable<IdentityTable>;
