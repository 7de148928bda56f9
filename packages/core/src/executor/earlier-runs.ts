import { TaskFailedError } from '../errors.ts';
import type { JobFailure } from '../job/job-failure.ts';
import type { JsonObject } from '../json.ts';
import type { AcceptedWork } from '../ports/task-runner.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { TaskExecutionRow } from '../results/tables/task-execution.table.ts';
import { listTaskExecutions } from '../results/task-execution.repository.ts';
import { listTaskResults } from '../results/task-result.repository.ts';
import type { StepInstance } from './step-plan.ts';
import { SKIPPED, type TransitionDraft } from './transition-draft.ts';
import { mayGoOn, wasAnswered } from './was-answered.ts';

/** Attempts that earlier runs of a job made at one step instance. */
export interface EarlierAttempts {
  /** All; they number the next one. */
  readonly attempts: number;
  /** Those that ended as a failure, and count against the retries. */
  readonly failed: number;
  /** Of these, those that the service answered. */
  readonly answered: number;
  /** The newest failure. */
  readonly error: JsonObject | undefined;
  /** What a service had taken over when the newest attempts were cut off. */
  readonly accepted: AcceptedWork | undefined;
}

/** What earlier runs of a job have committed. */
export interface EarlierRuns {
  /** Step instance → output. */
  readonly outputs: ReadonlyMap<string, JsonObject>;
  readonly attempts: ReadonlyMap<string, EarlierAttempts>;
  /** Steps whose skipping is on a row. */
  readonly skipped: ReadonlySet<string>;
}

export const NO_EARLIER_RUNS: EarlierRuns = { outputs: new Map(), attempts: new Map(), skipped: new Set() };
export const NO_ATTEMPTS: EarlierAttempts = {
  attempts: 0,
  failed: 0,
  answered: 0,
  error: undefined,
  accepted: undefined,
};

const WORKER_LOST: JobFailure = {
  code: 'WORKER_LOST',
  message: 'the executor that ran this attempt ended before its answer was committed',
  retryable: true,
};

/** Reads what stands, and drafts the end of attempts that a lost executor left RUNNING. */
export async function listEarlierRuns(
  results: ResultsDatabase,
  { jobId, draft }: { readonly jobId: string; readonly draft: TransitionDraft },
): Promise<EarlierRuns> {
  const [rows, executions] = await Promise.all([
    listTaskResults(results, { jobId }),
    listTaskExecutions(results, { jobId }),
  ]);
  const attempts = new Map<string, EarlierAttempts>();
  const skipped = new Set<string>();
  for (const execution of executions) {
    const { exec_id: execId, task_name: name, status, error } = execution;
    if (error?.code === SKIPPED) skipped.add(name);
    else {
      const lost = status === 'RUNNING' ? { ...execution, status: 'FAILED' as const, error: WORKER_LOST } : execution;
      attempts.set(name, count(attempts.get(name) ?? NO_ATTEMPTS, lost));
    }
    if (status !== 'RUNNING') continue;
    draft.ends.push({ execId, status: 'FAILED', serviceId: execution.service_id, error: WORKER_LOST });
    draft.tell('TASK_LOST', { name });
  }
  return { outputs: new Map(rows.map((row) => [row.task_name, row.result_data])), attempts, skipped };
}

function count(before: EarlierAttempts, execution: TaskExecutionRow): EarlierAttempts {
  const { status, error, service_id: serviceId, external_id: externalId } = execution;
  const attempts = before.attempts + 1;
  const work = serviceId !== null && externalId !== null ? { serviceId, externalId } : before.accepted;
  if (status !== 'FAILED' || error === null) return { ...before, attempts, accepted: undefined };
  const accepted = mayGoOn(error.code) ? work : undefined;
  // A later attempt may have ended before it could ask for what an earlier one was promised.
  if (error.code === WORKER_LOST.code) return { ...before, attempts, accepted };
  const answered = before.answered + (wasAnswered(error.code) ? 1 : 0);
  return { attempts, failed: before.failed + 1, answered, error, accepted };
}

/** The failure that ended the instance in an earlier run: it is not asked again for what it has answered. */
export function findFinalFailure(
  { step }: StepInstance,
  { failed, error }: EarlierAttempts,
): TaskFailedError | undefined {
  if (!error || (error.retryable === true && failed < step.retry.attempts)) return undefined;
  return new TaskFailedError({
    failureCode: String(error.code),
    message: String(error.message),
    retryable: error.retryable === true,
  });
}
