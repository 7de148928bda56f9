import { type Channel, channel, subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { OrgId } from '../ids.ts';
import type { CacheMiss } from '../ports/result-cache.ts';
import type { TerminalJobStatus } from '../results/tables/job-status.ts';
import type { CutOff } from './job-ending.ts';

/**
 * The points of a job's way that are published on `diagnostics_channel`, each as `mad:<point>` with `{ org_id, job_id, … }`, in the moment they are
 * passed. For traces, metrics, and tests that end the process in just that moment.
 */
export const EXECUTOR_POINTS = [
  /** A job was delivered and is about to be claimed. */
  'job.claiming',
  /** The lease is held. */
  'job.claimed',
  /** The attempt is on its row; the service has not been called. */
  'attempt.started',
  /** The call was handed to the task runner. */
  'attempt.called',
  /** The service's answer is here, nothing of it is committed. */
  'attempt.answered',
  'attempt.failed',
  /** The call was cut off: its job or step has ended, the executor stops, or the run is broken off. */
  'attempt.canceled',
  'attempt.retrying',
  /** A batch of transitions is on its way to the database; not told of one that writes cache entries. */
  'commit.sent',
  /** The database has confirmed it. */
  'committed',
  /** A result and its cache entry are written, not yet committed. */
  'cache.recorded',
  /** The result of a step is committed. */
  'step.completed',
  'step.cached',
  /** Another computes the same: the step waits for its result. */
  'step.joined',
  'step.skipped',
  /** By its run, or before its first one when its deadline passed. */
  'job.closed',
  'job.mirrored',
  'lease.renewed',
  /** The run has ended without closing the job, which goes on later or elsewhere. */
  'job.interrupted',
] as const;

export type ExecutorPoint = (typeof EXECUTOR_POINTS)[number];

/** The words are those of the rows and of log lines. */
export interface JobFacts {
  readonly org_id: OrgId;
  readonly job_id: string;
}

export interface StepFacts extends JobFacts {
  /** The step instance: `dock`, `dock[<key>]`. */
  readonly step: string;
}

export interface AttemptFacts extends StepFacts {
  /** 0-based, as on its row. */
  readonly attempt: number;
  /** Why the cache gave nothing; null where it was not asked. */
  readonly cache: CacheMiss['reason'] | null;
}

/** Of an attempt that is over. */
export interface EndedAttemptFacts extends AttemptFacts {
  /** Since the call. */
  readonly elapsed_ms: number;
}

export interface BatchFacts {
  readonly org_id: OrgId;
  readonly job_ids: readonly string[];
}

/** What is told at each point. */
export interface ExecutorFacts {
  readonly 'job.claiming': JobFacts;
  /** `pipeline` is the label `name@version`. */
  readonly 'job.claimed': JobFacts & { readonly pipeline: string; readonly fence: number };
  readonly 'attempt.started': AttemptFacts;
  readonly 'attempt.called': AttemptFacts;
  /** `compute_ms` is what the service says it took. */
  readonly 'attempt.answered': EndedAttemptFacts & { readonly service: string; readonly compute_ms: number };
  readonly 'attempt.failed': EndedAttemptFacts & { readonly code: string };
  readonly 'attempt.canceled': EndedAttemptFacts & { readonly reason: CutOff };
  /** Of the attempt that failed. */
  readonly 'attempt.retrying': AttemptFacts & { readonly wait_ms: number };
  readonly 'commit.sent': BatchFacts;
  readonly committed: BatchFacts & { readonly elapsed_ms: number };
  readonly 'cache.recorded': BatchFacts;
  readonly 'step.completed': AttemptFacts;
  readonly 'step.cached': StepFacts & { readonly cache_key: string; readonly canonical_job_id: string };
  readonly 'step.joined': StepFacts & { readonly cache_key: string; readonly leader_job_id: string };
  readonly 'step.skipped': StepFacts & { readonly reason: string };
  /** `code` of the failure, null without one; `elapsed_ms` since the job's first start, null when it never started. */
  readonly 'job.closed': JobFacts & {
    readonly status: TerminalJobStatus;
    readonly code: string | null;
    readonly elapsed_ms: number | null;
  };
  readonly 'job.mirrored': BatchFacts;
  readonly 'lease.renewed': BatchFacts;
  /** `err` is the error behind it. */
  readonly 'job.interrupted': JobFacts & { readonly reason: CutOff; readonly err: unknown };
}

const channels = Object.fromEntries(EXECUTOR_POINTS.map((point) => [point, channel(`mad:${point}`)])) as Record<
  ExecutorPoint,
  Channel
>;

/** Costs a look at a flag where nobody listens. */
export function tell<Point extends ExecutorPoint>(point: Point, facts: ExecutorFacts[Point]): void {
  const told = channels[point];
  if (told.hasSubscribers) told.publish(facts);
}

/**
 * Calls `listener` whenever a job of any executor in this process passes the point, in that very moment: it must be quick, and what it throws ends
 * the process as an uncaught exception. Until it is disposed.
 */
export function subscribeExecutor<Point extends ExecutorPoint>(
  point: Point,
  listener: (facts: ExecutorFacts[Point]) => void,
): Disposable {
  const name = `mad:${point}`;
  const onFacts = (facts: unknown): void => listener(facts as ExecutorFacts[Point]);
  subscribe(name, onFacts);
  return { [Symbol.dispose]: () => void unsubscribe(name, onFacts) };
}
