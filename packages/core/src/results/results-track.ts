import type { Kysely } from 'kysely';
import type { OrgId } from '../ids.ts';
import { type MigrateOptions, type MigrationTrack, migrate, migrationState } from '../postgres/migrate.ts';
import { proposal } from './migrations/0001_proposal.ts';
import { jobControl } from './migrations/0002_job_control.ts';
import { jobIntegrity } from './migrations/0003_job_integrity.ts';
import { results } from './migrations/0004_results.ts';
import { cache } from './migrations/0005_cache.ts';
import { stamp } from './migrations/0006_stamp.ts';
import { executor } from './migrations/0007_executor.ts';
import { journal } from './migrations/0008_journal.ts';
import { resultCache } from './migrations/0009_result_cache.ts';
import { jobUsage } from './migrations/0010_job_usage.ts';
import { storedFiles } from './migrations/0011_stored_files.ts';
import { openResultsDatabase } from './open-results-database.ts';
import { stampResults } from './results-stamp.ts';

/** The migrations of a Results DB, the proposal's tables first. They need neither a superuser nor an extension. */
export const resultsTrack: MigrationTrack = {
  name: 'results',
  migrations: {
    '0001_proposal': proposal,
    '0002_job_control': jobControl,
    '0003_job_integrity': jobIntegrity,
    '0004_results': results,
    '0005_cache': cache,
    '0006_stamp': stamp,
    '0007_executor': executor,
    '0008_journal': journal,
    '0009_result_cache': resultCache,
    '0010_job_usage': jobUsage,
    '0011_stored_files': storedFiles,
  },
};

/** Where the tables go and whose they are. */
export interface MigrateResultsOptions extends Omit<MigrateOptions, 'track'> {
  /** The organization to stamp the database for. Absent: no stamp is written or checked. */
  readonly orgId?: OrgId | undefined;
}

/**
 * Brings one organization's Results DB to its newest version and stamps it; returns the names of the migrations applied. Safe to call twice and
 * concurrently.
 * @throws {ResultsDatabaseMismatchError} when it is stamped for another organization; nothing is changed then.
 * @throws {MigrationFailedError}
 */
export async function migrateResults<Tables>(
  db: Kysely<Tables>,
  { orgId, ...options }: MigrateResultsOptions = {},
): Promise<readonly string[]> {
  const results = openResultsDatabase(db, { schema: options.schema ?? 'public' });
  const { applied } = await migrationState(db, { ...options, track: resultsTrack });
  if (orgId !== undefined && applied.includes('0006_stamp')) await stampResults(results, { orgId });
  const names = await migrate(db, { ...options, track: resultsTrack });
  if (orgId !== undefined) await stampResults(results, { orgId });
  return names;
}
