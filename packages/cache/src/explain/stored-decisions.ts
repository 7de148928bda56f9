import {
  type CacheDecisionEvent,
  type JobRow,
  listCacheDecisions,
  listTaskExecutions,
  type ResultsDatabase,
  type TaskExecutionRow,
} from '@mad/core';

/** What the rows of a job tell of one step instance. */
export interface StoredDecision {
  /** The first attempt with what the cache had said before it, else the first at all; undefined where none was made. */
  readonly execution: TaskExecutionRow | undefined;
  /** How its newest attempt stands; undefined where none was made. */
  readonly status: TaskExecutionRow['status'] | undefined;
  /** `TASK_CACHED`, `TASK_REUSED` or `TASK_SKIPPED`. */
  readonly end: CacheDecisionEvent | undefined;
  /** The newest `TASK_JOINED`. */
  readonly joined: CacheDecisionEvent | undefined;
}

/** What was decided for a job, as its rows tell. */
export interface StoredDecisions {
  /** The newest `JOB_JOINED`. */
  readonly joined: CacheDecisionEvent | undefined;
  readonly steps: ReadonlyMap<string, StoredDecision>;
}

const NOTHING: StoredDecision = { execution: undefined, status: undefined, end: undefined, joined: undefined };

export async function readDecisions(results: ResultsDatabase, { job_id: jobId }: JobRow): Promise<StoredDecisions> {
  const [events, executions] = await Promise.all([
    listCacheDecisions(results, { jobId }),
    listTaskExecutions(results, { jobId }),
  ]);
  const steps = new Map<string, StoredDecision>();
  const put = (name: string, more: Partial<StoredDecision>) =>
    steps.set(name, { ...(steps.get(name) ?? NOTHING), ...more });
  for (const execution of executions) {
    const { task_name: name, cache_outcome: outcome, status } = execution;
    const known = steps.get(name)?.execution;
    const tells = !known || (known.cache_outcome === null && outcome !== null);
    put(name, { status, ...(tells && { execution }) });
  }
  let joined: CacheDecisionEvent | undefined;
  for (const event of events) {
    const name = event.task_name;
    if (name === null) joined = event.event === 'JOB_JOINED' ? event : joined;
    else put(name, event.event === 'TASK_JOINED' ? { joined: event } : { end: event });
  }
  return { joined, steps };
}
