import type { Kysely, Transaction } from 'kysely';
import type { ResultsTables } from './tables/results-tables.ts';

/**
 * One organization's Results DB. The query builder qualifies every table with its schema; raw SQL is not qualified, `sql.table` included, so it may
 * hold expressions but never name a table.
 */
export type ResultsDatabase = Kysely<ResultsTables>;

/** A transaction in one organization's Results DB, in the type where a lock or atomicity needs one. */
export type ResultsTransaction = Transaction<ResultsTables>;
