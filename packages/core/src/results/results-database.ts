import type { Kysely, Transaction } from 'kysely';
import type { ResultsTables } from './tables/results-tables.ts';

/** One organization's Results DB. Table names are qualified with its schema; raw SQL must use `sql.table` or the query builder. */
export type ResultsDatabase = Kysely<ResultsTables>;

export type ResultsTransaction = Transaction<ResultsTables>;
