import { setTimeout } from 'node:timers/promises';
import {
  type JsonObject,
  type PipelineSpecInput,
  type ResultsDatabase,
  type TaskCall,
  TaskFailedError,
  type TaskIdentity,
  type TaskOutcome,
  type TaskRunner,
} from '@mad/core';
import type { PredictedStep, Prediction } from './interpret.ts';
import { type Committed, isFailure, isSkip, readCommitted, stepOf } from './job-rows.ts';
import type { RandomJob } from './random-case.ts';
import { answerTo, CODES, mishapsOf, stepAt, UNANSWERED } from './script.ts';

/** One job of a case, and what its calls have shown. */
export interface TriedJob {
  readonly jobId: string;
  readonly random: RandomJob;
  readonly spec: PipelineSpecInput;
  readonly prediction: Prediction;
  /** Rises with every call. */
  calls: number;
  /** Attempts that were called: `<instance>/<attempt>`. */
  readonly attempts: Set<string>;
  readonly violations: Set<string>;
  /** Asks once for the job's end. */
  cancel(): void;
  /** Settles when that was asked. */
  canceling: Promise<void> | undefined;
  /** The request stands: no further call may begin. */
  isCanceled: boolean;
}

/** One executor from its start to its end. */
export interface Life {
  /** Calls of one job at a time. */
  readonly stepConcurrency: number;
  /** Running calls, by job and step. */
  readonly running: Map<string, number>;
  /** True once its process counts as dead: its tasks report nothing more. */
  isOver: boolean;
}

export interface ScriptedTasks {
  readonly life: Life;
  readonly jobs: ReadonlyMap<string, TriedJob>;
  /** A handle that nothing befalls. */
  readonly results: ResultsDatabase;
}

const DEFINITION_ID = '0195d0c0-0000-7000-8000-0000000000d1';
const SERVICE_ID = '0195d0c0-0000-7000-8000-0000000000e1';
const OPEN = { type: 'object' };
const IDENTITY: TaskIdentity = {
  ...{ taskKey: 'random', version: '1.0.0', interfaceDigest: 'random', producer: null },
  ...{ determinism: 'exact', architecture: null, ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
};

/** Tasks that answer by the script of their job, and look with every call at what has been committed by then. */
export function createScriptedTasks(given: ScriptedTasks): TaskRunner {
  return {
    resolve: async () => ({ ...IDENTITY, taskDefinitionId: DEFINITION_ID, requestSchema: OPEN, responseSchema: OPEN }),
    prepare: async (_orgId, { request }) => ({ request, identity: IDENTITY }),
    async run(call) {
      const job = given.jobs.get(call.jobId);
      if (!job) throw new TypeError(`no job of this case has the id ${call.jobId}`);
      const leave = enter(given.life, job, call);
      try {
        return await answer(given, job, call);
      } finally {
        leave();
      }
    },
  };
}

async function answer({ life, results }: ScriptedTasks, job: TriedJob, call: TaskCall): Promise<TaskOutcome> {
  const { stepName, signal, request } = call;
  const step = stepAt(job.random, stepName);
  const { cancel } = job.random;
  job.calls++;
  if (job.isCanceled && !signal.aborted) job.violations.add(`${stepName} was called after the job was canceled`);
  const cancels = cancel?.atCall === job.calls;
  if (cancels) job.cancel();
  if (life.isOver) return untilAborted(signal);
  const committed = await readCommitted(results, call.jobId);
  for (const violation of findCallViolations(job, call, committed)) job.violations.add(violation);
  if (cancels && cancel.holds) return untilAborted(signal);
  await setTimeout(step.takesMs, undefined, { signal });
  if (life.isOver) return untilAborted(signal);

  const failures = committed.executions.filter((row) => row.task_name === stepName && isFailure(row));
  const mishap = mishapsOf(step, stepName)[failures.length];
  if (mishap === undefined) return toOutcome(answerTo(stepName, request));
  if (mishap === 'hang') return untilAborted(signal);
  if (mishap === 'throws') throw new RangeError('an error of the runner itself');
  const retryable = mishap !== 'final';
  throw new TaskFailedError({ failureCode: CODES[mishap], message: `it was ${mishap}`, retryable });
}

/** Counts the call among those that run, and finds limits exceeded. Returns how it leaves. */
function enter(
  { running, stepConcurrency }: Life,
  { random, violations }: TriedJob,
  { jobId, stepName }: TaskCall,
): () => void {
  const step = stepOf(stepName);
  const { each } = stepAt(random, stepName);
  const counted = [
    { key: jobId, limit: stepConcurrency },
    { key: `${jobId}/${step}`, limit: each?.concurrency ?? Number.POSITIVE_INFINITY },
  ];
  for (const { key, limit } of counted) {
    const count = (running.get(key) ?? 0) + 1;
    running.set(key, count);
    if (count > limit) violations.add(`${count} calls of ${step} or its job at a time, ${limit} are allowed`);
  }
  return () => {
    for (const { key } of counted) running.set(key, (running.get(key) ?? 0) - 1);
  };
}

function* findCallViolations(job: TriedJob, call: TaskCall, { executions, done }: Committed): Generator<string> {
  const { stepName, attempt, idempotencyKey, jobId } = call;
  const own = executions.filter((row) => row.task_name === stepName);
  if (done.has(stepName)) yield `${stepName} was called after its commit`;
  if (!own.some((row) => row.retries === attempt))
    yield `${stepName} was called before its attempt ${attempt} was committed`;
  if (job.attempts.has(`${stepName}/${attempt}`)) yield `attempt ${attempt} of ${stepName} was called twice`;
  job.attempts.add(`${stepName}/${attempt}`);
  const answered = own.filter((row) => isFailure(row) && !UNANSWERED.includes(row.error?.code));
  const key = `${jobId}/${stepName}/${answered.length}`;
  if (idempotencyKey !== key) yield `${stepName} was called with key ${idempotencyKey}, ${key} was promised`;
  for (const name of job.prediction.steps.get(stepOf(stepName))?.dependencies ?? []) {
    const open = findOpen(job.prediction.steps.get(name), { executions, done });
    if (open !== undefined) yield `${stepName} was called before ${open} of ${name} was committed`;
  }
}

/** What of a step has not ended; undefined when it is settled. */
function findOpen(predicted: PredictedStep | undefined, { executions, done }: Committed): string | undefined {
  if (!predicted) return 'the end';
  const { step, instances } = predicted;
  const rows = executions.filter((row) => stepOf(row.task_name) === step.name);
  const running = rows.find(({ status }) => status === 'RUNNING' || status === 'PENDING');
  if (running) return `an attempt at ${running.task_name}`;
  if (rows.some(isSkip)) return undefined;
  const failed = new Set(rows.filter(isFailure).map((row) => row.task_name));
  if (step.forEach && step.forEach.onItemFailure !== 'skip' && failed.size > 0) return undefined;
  return [...instances.keys()].find((name) => !done.has(name) && !failed.has(name));
}

async function untilAborted(signal: AbortSignal): Promise<never> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason);
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return aborted.promise;
}

function toOutcome(result: JsonObject): TaskOutcome {
  return { result, serviceId: SERVICE_ID, serviceName: 'random', schemaVersion: '1.0.0', computeMs: 1 };
}
