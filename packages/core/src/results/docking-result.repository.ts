import { canonicalJob } from './canonical-job.ts';
import type { ResultsDatabase } from './results-database.ts';
import type { DockingResultRow } from './tables/docking-result.table.ts';

/** The poses of the job that really ran, by rank: a cache hit shows its canonical job's, under that job's id. */
export async function listDockingResults(
  db: ResultsDatabase,
  { jobId }: { jobId: string },
): Promise<readonly DockingResultRow[]> {
  return db
    .selectFrom('docking_results')
    .selectAll()
    .where('job_id', '=', canonicalJob(db, jobId))
    .orderBy('pose_rank')
    .execute();
}
