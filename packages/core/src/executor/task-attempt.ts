import { isMadError, type MadError, TaskFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { Logger } from '../logger.ts';
import { findNotPlainJson } from '../plain-json.ts';
import type { AcceptedWork, TaskOutcome, TaskRunner } from '../ports/task-runner.ts';
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
  /** What an earlier attempt under the same key was promised. */
  readonly accepted: AcceptedWork | undefined;
  readonly onAccepted: (work: AcceptedWork) => Promise<void>;
  readonly logger: Logger;
}

/** Time in which a runner whose call was aborted may cancel it at the service. */
const CLEAN_UP_MS = 5_000;
const PROGRESS_EVERY_MS = 1_000;
/** Characters of JSON. */
const MAX_RESULT = 64 * 1024 * 1024;
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
      accepted: run.accepted,
      onAccepted: run.onAccepted,
      onProgress: createProgressReporter({ everyMs: PROGRESS_EVERY_MS, report: run.onProgress }),
    });
    return toStorable(await orAbort(call, { signal, graceMs: CLEAN_UP_MS }));
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    throw toTaskFailure(run, error);
  } finally {
    clearTimeout(timeout);
  }
}

/**
 * The outcome with its result as it will be read back: whatever the runner does to it later, this run and the next one see the same.
 * @throws {ValidationFailedError | TaskFailedError | TypeError} for what cannot be stored, or is no outcome.
 */
function toStorable(outcome: TaskOutcome): TaskOutcome {
  const { result, serviceId, serviceName, schemaVersion, computeMs } = outcome;
  const isOutcome =
    isJsonObject(result) && isUuid(serviceId) && typeof serviceName === 'string' && typeof schemaVersion === 'string';
  if (!isOutcome || !Number.isFinite(computeMs))
    throw new TypeError('expected { result, serviceId, serviceName, schemaVersion, computeMs } of a task runner');
  const text = toJsonText(result);
  if (text.length > MAX_RESULT) {
    throw new TaskFailedError({
      failureCode: 'RESULT_TOO_LARGE',
      message: `the answer is ${text.length} characters long, ${MAX_RESULT} at most are kept; give large parts back as files`,
      retryable: false,
    });
  }
  return { ...outcome, result: JSON.parse(text) as JsonObject };
}

function toTimeout(name: string, timeoutMs: number): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'TIMEOUT',
    message: `step ${name} gave no answer within ${timeoutMs} ms; raise its timeoutMs or lighten its work`,
    retryable: true,
  });
}

function toTaskFailure(run: TaskAttempt, error: unknown): unknown {
  const isWhole = isMadError(error) && findNotPlainJson(error.details) === undefined && isNamed(error);
  return isWhole ? error : toRunnerFailure(run, error);
}

/** A mistake of the task runner's own: told by the log alone, and not tried again. */
export function toRunnerFailure(
  { orgId, jobId, instance, attempt, logger }: Pick<TaskAttempt, 'orgId' | 'jobId' | 'instance' | 'attempt' | 'logger'>,
  error: unknown,
): TaskFailedError {
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

/** A failure's code may come from a service. */
function isNamed(error: MadError): boolean {
  return !(error instanceof TaskFailedError) || typeof error.failureCode === 'string';
}
