import { canonicalJob } from './canonical-job.ts';
import { inChunks } from './in-chunks.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { DockingResultRow, NewDockingResultRow } from './tables/docking-result.table.ts';
import { toJsonb } from './to-jsonb.ts';

/** The poses of one job, in any order. */
export interface InsertDockingResults {
  readonly jobId: string;
  /** `rmsd` is taken from `rmsd_ub` where it is not given. */
  readonly poses: readonly Omit<NewDockingResultRow, 'job_id'>[];
}

/** Writes all poses or none. The database refuses affinities that are not finite and ranks that are taken. */
export async function insertDockingResults(
  tx: ResultsTransaction,
  { jobId, poses }: InsertDockingResults,
): Promise<void> {
  const rows = poses.map((pose) => ({
    ...pose,
    job_id: jobId,
    rmsd: pose.rmsd ?? pose.rmsd_ub ?? null,
    metadata: toJsonb(pose.metadata ?? {}),
  }));
  await inChunks(rows, (part) => tx.insertInto('docking_results').values(part).execute());
}

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
