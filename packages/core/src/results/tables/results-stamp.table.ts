import type { Insertable, Selectable } from 'kysely';
import type { TimestampColumn } from '../../postgres/column-types.ts';

/** The stamp: whose Results DB this is. One row at most, never changed, never deleted. */
export interface ResultsDatabaseTable {
  org_id: string;
  stamped_at: TimestampColumn;
}

/** A row of `results_database` as repositories return it. */
export type ResultsDatabaseRow = Selectable<ResultsDatabaseTable>;
/** What an insert into `results_database` takes; columns with a default may be left out. */
export type NewResultsDatabaseRow = Insertable<ResultsDatabaseTable>;
