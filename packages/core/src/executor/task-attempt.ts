import { isMadError, TaskFailedError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { Logger } from '../logger.ts';
import type { TaskOutcome, TaskRunner } from '../ports/task-runner.ts';
import { toJsonText } from '../results/to-jsonb.ts';
import { orAbort } from './or-abort.ts';
import { createProgressReporter } from './progress-reporter.ts';
import type { StepInstance } from './step-plan.ts';

export interface TaskAttempt {
  readonly orgId: OrgId;
  readonly jobId: string;
  readonly instance: StepInstance;
  readonly request: JsonObject;
  /** 0-based. */
  readonly attempt: number;
  /** Earlier attempts that the service answered. */
  readonly answered: number;
  readonly tasks: TaskRunner;
  readonly controller: AbortController;
  readonly onProgress: (fraction: number) => Promise<void>;
  readonly logger: Logger;
}

/** Time in which a runner whose call was aborted may cancel it at the service. */
const CLEAN_UP_MS = 5_000;
const PROGRESS_EVERY_MS = 1_000;
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/**
 * One call for one step instance, ended by its timeout, by its controller, or by an answer that can be stored.
 * @throws {TaskFailedError} with what the service said, `TIMEOUT`, or `INTERNAL_ERROR` for an error of the runner itself, whose cause only the log
 * names. What aborts the controller is thrown as it is, and so are other errors of this library.
 */
export async function attemptTask(run: TaskAttempt): Promise<TaskOutcome> {
  const { step, name } = run.instance;
  const { signal } = run.controller;
  const timeout = setTimeout(
    () => run.controller.abort(toTimeout(name, step.timeoutMs)),
    Math.min(step.timeoutMs, LONGEST_TIMER_MS),
  );
  try {
    const call = run.tasks.run({
      orgId: run.orgId,
      jobId: run.jobId,
      stepName: name,
      taskDefinitionId: step.taskDefinitionId,
      attempt: run.attempt,
      // Rises only when the service has answered: a call repeated after a crash or a lost connection carries the key of the one that was lost.
      idempotencyKey: `${run.jobId}/${name}/${run.answered}`,
      request: run.request,
      timeoutMs: step.timeoutMs,
      signal,
      onProgress: createProgressReporter({ everyMs: PROGRESS_EVERY_MS, report: run.onProgress }),
    });
    const outcome = await orAbort(call, { signal, graceMs: CLEAN_UP_MS });
    // What jsonb cannot hold is the service's fault, and must not reach a batch.
    toJsonText(outcome.result);
    return outcome;
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toTaskFailure(run, error);
  } finally {
    clearTimeout(timeout);
  }
}

function toTimeout(name: string, timeoutMs: number): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'TIMEOUT',
    message: `step ${name} gave no answer within ${timeoutMs} ms; raise its timeoutMs or lighten its work`,
    retryable: true,
  });
}

function toTaskFailure({ orgId, jobId, instance, attempt, logger }: TaskAttempt, error: unknown): unknown {
  if (isMadError(error)) return error;
  logger.error(
    { err: error, org_id: orgId, job_id: jobId, step: instance.name, attempt },
    'a task runner threw an error of its own',
  );
  return new TaskFailedError({
    failureCode: 'INTERNAL_ERROR',
    message: `step ${instance.name} met an error of the task runner; the log of the executor names the cause`,
    retryable: false,
    cause: error,
  });
}
