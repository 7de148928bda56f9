import type { SelectQueryBuilder } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import type { ResultsTables } from './tables/results-tables.ts';

/** Subquery: the id of the job that really ran, which is the canonical job of a cache hit, else the job itself. */
export function canonicalJob(
  db: ResultsDatabase,
  jobId: string,
): SelectQueryBuilder<ResultsTables, 'jobs', { id: string }> {
  return db
    .selectFrom('jobs')
    .select((eb) => eb.fn.coalesce('jobs.canonical_job_id', 'jobs.job_id').as('id'))
    .where('jobs.job_id', '=', jobId);
}
