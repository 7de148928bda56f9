import type { ColumnType, Selectable } from 'kysely';

/** The table `sign_in_attempts`: how often a sign-in was tried in a window of time, for an account or from an address. */
export interface SignInAttemptTable {
  /** SHA-256 of what is counted: no address is kept. */
  key: string;
  attempts: number;
  /** The end of the window; after it the count begins anew. */
  expires_at: ColumnType<Date, Date | string, Date | string>;
}

/** A row of `sign_in_attempts`. */
export type SignInAttemptRow = Selectable<SignInAttemptTable>;
