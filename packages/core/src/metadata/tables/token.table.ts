import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableTimestampColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** The table `tokens`. */
export interface TokenTable {
  token_id: Generated<string>;
  user_id: string;
  /** Null says nothing about an organization; it never means all of them. */
  org_id: string | null;
  kind: string;
  expires_at: ColumnType<Date, Date | string, Date | string>;
  revoked: Generated<boolean>;
  created_at: TimestampColumn;
  /** SHA-256 of the secret part of the bearer value, 64 lower-case hex digits. The value itself is kept nowhere. */
  secret_hash: string | null;
  name: string | null;
  scopes: ColumnType<string[], readonly string[] | undefined, readonly string[]>;
  last_used_at: NullableTimestampColumn;
  /** Shared by a refresh token and those it was exchanged for. */
  family_id: string | null;
  /** When a refresh token was exchanged for its successor. */
  rotated_at: NullableTimestampColumn;
}

/** A row of `tokens`. */
export type TokenRow = Selectable<TokenTable>;
/** A row to insert into `tokens`; columns with a default may be left out. */
export type NewTokenRow = Insertable<TokenTable>;
/** The columns of `tokens` to change. */
export type TokenRowUpdate = Updateable<TokenTable>;
