import { findJob, isTerminal, type JobRow, listTaskResults, type ResultsDatabase } from '@mad/core';

/** A job that another one waited for, once it is over. */
export interface EndedLeader {
  readonly status: JobRow['status'];
  /** That of its least certain scored step; null: not scored. */
  readonly confidence: number | null;
}

/** Undefined while it is open, and where it is gone. */
export async function findEndedLeader(
  results: ResultsDatabase,
  { jobId }: { readonly jobId: string },
): Promise<EndedLeader | undefined> {
  const job = await findJob(results, { jobId });
  if (!job || !isTerminal(job.status)) return undefined;
  const { status } = job;
  // Its rows tell, not its entry: that may have been evicted.
  const rows = status === 'COMPLETED' ? await listTaskResults(results, { jobId }) : [];
  const scores = rows.flatMap(({ confidence_score }) => confidence_score ?? []);
  const least = scores.reduce<number | null>((a, b) => (a === null ? b : Math.min(a, b)), null);
  return { status, confidence: least };
}
