import { type Logger, migrationState, type ResultsTables, resultsTrack } from '@mad/core';
import { ResultsDatabaseExtendedError } from '../errors.ts';
import type { Clusters } from '../results-database/cluster.ts';
import { describeTables } from '../results-database/describe-tables.ts';
import { inPlace } from '../results-database/drop-own-place.ts';
import type { ResultsDatabasePlace } from '../results-database/results-database-place.ts';

/** What an archive may hold of a Results DB, and a copy is compared by. */
const TABLES: Readonly<Record<keyof ResultsTables, true>> = {
  pipeline_specs: true,
  jobs: true,
  job_inputs: true,
  job_outputs: true,
  docking_results: true,
  task_executions: true,
  task_logs: true,
  task_results: true,
  result_cache: true,
  job_events: true,
  cache_flights: true,
  cache_events: true,
  job_usage: true,
  stored_files: true,
  storage_usage: true,
  results_database: true,
};

/**
 * Makes sure that the Results DB can be made anew elsewhere by this library's own migrations.
 * @throws {ResultsDatabaseExtendedError} for one with migrations or tables that are not this library's.
 */
export async function checkPortable(
  place: ResultsDatabasePlace,
  around: { readonly clusters: Clusters; readonly logger: Logger },
): Promise<void> {
  const { orgId, schema } = place;
  const found = await inPlace(place, around, async (db) => {
    const { applied } = await migrationState(db, { track: resultsTrack, schema });
    const tables = await describeTables(db, schema);
    return {
      migrations: applied.filter((name) => !Object.hasOwn(resultsTrack.migrations, name)),
      tables: tables.map(({ table }) => table).filter((table) => !Object.hasOwn(TABLES, table)),
    };
  });
  if (found.migrations.length + found.tables.length > 0) throw new ResultsDatabaseExtendedError({ orgId, ...found });
}
