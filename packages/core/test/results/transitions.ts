import { newId } from '../../src/ids.ts';
import { commitTransitions, toTransitionRows } from '../../src/results/commit-transitions.ts';
import type {
  CommittedResult,
  JobClose,
  JobTransition,
  MovedJob,
  StartedAttempt,
} from '../../src/results/job-transition.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';

export const LEASE_MS = 60_000;

/** A transition of which only what matters is named. */
export type Moved = Partial<JobTransition> & Pick<JobTransition, 'jobId' | 'fence'>;

export const toTransition = (moved: Moved): JobTransition => ({
  events: [],
  starts: [],
  ends: [],
  results: [],
  ...moved,
});

/** Commits the transitions in one batch, in the name of `w`. */
export async function commit(db: ResultsDatabase, ...moved: readonly Moved[]): Promise<readonly MovedJob[]> {
  return commitTransitions(db, {
    holder: 'w',
    leaseMs: LEASE_MS,
    jobs: moved.map((one) => toTransitionRows(toTransition(one))),
  });
}

/** Claims a job that was seen with this fence; true when it is held now, under the next one. */
export async function claim(
  db: ResultsDatabase,
  jobId: string,
  { fence = 0, leaseMs = LEASE_MS }: { fence?: number; leaseMs?: number } = {},
): Promise<boolean> {
  const jobs = [toTransitionRows(toTransition({ jobId, fence, claim: true }))];
  return (await commitTransitions(db, { holder: 'w', leaseMs, jobs })).length > 0;
}

export const closed = (close: Partial<JobClose> = {}): JobClose => ({
  status: 'COMPLETED',
  error: null,
  metrics: {},
  outputs: [],
  poses: [],
  ...close,
});

export const started = (taskName: string, attempt: Partial<StartedAttempt> = {}): StartedAttempt => ({
  execId: newId(),
  taskName,
  status: 'RUNNING',
  attempt: 0,
  taskDefinitionId: newId(),
  cacheKey: null,
  cacheOutcome: null,
  error: null,
  ...attempt,
});

export const answered = (taskName: string, result: Partial<CommittedResult> = {}): CommittedResult => ({
  taskName,
  serviceName: null,
  schemaVersion: null,
  confidenceScore: null,
  resultData: {},
  ...result,
});
