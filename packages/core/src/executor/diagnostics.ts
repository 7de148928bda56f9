import { type Channel, channel } from 'node:diagnostics_channel';

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
  'attempt.retrying',
  /** A batch of transitions is on its way to the database. */
  'commit.sent',
  /** The database has confirmed it. */
  'committed',
  /** A result and its cache entry are written, not yet committed. */
  'cache.recorded',
  /** The result of a step is committed. */
  'step.completed',
  'step.cached',
  'step.skipped',
  'job.closed',
  'job.mirrored',
  'lease.renewed',
  'job.interrupted',
] as const;

export type ExecutorPoint = (typeof EXECUTOR_POINTS)[number];

const channels = Object.fromEntries(EXECUTOR_POINTS.map((point) => [point, channel(`mad:${point}`)])) as Record<
  ExecutorPoint,
  Channel
>;

/** Costs a look at a flag where nobody listens. */
export function tell(point: ExecutorPoint, facts: object): void {
  const told = channels[point];
  if (told.hasSubscribers) told.publish(facts);
}
