import type { Meter } from '@opentelemetry/api';
import { type EndedAttemptFacts, subscribeExecutor } from '../executor/diagnostics.ts';

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3_600, 14_400];
const SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Counts and times what executors of this process do. */
export function measureJobs(meter: Meter): Disposable {
  const closed = meter.createCounter('mad.job.closed', {
    unit: '{job}',
    description: 'Jobs that have ended, by status',
  });
  const interrupted = meter.createCounter('mad.job.interrupted', {
    unit: '{run}',
    description: 'Runs that ended without closing their job',
  });
  const duration = meter.createHistogram('mad.job.duration', {
    unit: 's',
    description: 'From the first start of a job to its end',
    advice: { explicitBucketBoundaries: SECONDS },
  });
  const attempts = meter.createCounter('mad.attempt.ended', {
    unit: '{attempt}',
    description: 'Calls of task services, by outcome',
  });
  const attemptDuration = meter.createHistogram('mad.attempt.duration', {
    unit: 's',
    description: 'From the call of a task service to its answer',
    advice: { explicitBucketBoundaries: SECONDS },
  });
  const steps = meter.createCounter('mad.step.settled', {
    unit: '{step}',
    description: 'Step instances that were computed, cached or skipped',
  });
  const flushSize = meter.createHistogram('mad.flush.size', {
    unit: '{job}',
    description: 'Jobs that were written with one commit',
    advice: { explicitBucketBoundaries: SIZES },
  });
  const flushDuration = meter.createHistogram('mad.flush.duration', {
    unit: 's',
    description: 'How long the database took for it',
    advice: { explicitBucketBoundaries: SECONDS },
  });

  function countAttempt({ org_id, elapsed_ms }: EndedAttemptFacts, outcome: object): void {
    attempts.add(1, { org_id, ...outcome });
    attemptDuration.record(elapsed_ms / 1_000, { org_id, ...outcome });
  }

  const subscriptions = [
    subscribeExecutor('job.closed', ({ org_id, status, code, elapsed_ms }) => {
      closed.add(1, { org_id, 'mad.status': status, ...errorType(code) });
      if (elapsed_ms !== null) duration.record(elapsed_ms / 1_000, { org_id, 'mad.status': status });
    }),
    subscribeExecutor('job.interrupted', ({ org_id }) => interrupted.add(1, { org_id })),
    subscribeExecutor('attempt.answered', (facts) => countAttempt(facts, { 'mad.outcome': 'answered' })),
    subscribeExecutor('attempt.failed', (facts) =>
      countAttempt(facts, { 'mad.outcome': 'failed', ...errorType(facts.code) }),
    ),
    subscribeExecutor('attempt.canceled', (facts) => countAttempt(facts, { 'mad.outcome': 'canceled' })),
    subscribeExecutor('step.completed', ({ org_id }) => steps.add(1, { org_id, 'mad.outcome': 'completed' })),
    subscribeExecutor('step.cached', ({ org_id }) => steps.add(1, { org_id, 'mad.outcome': 'cached' })),
    subscribeExecutor('step.skipped', ({ org_id }) => steps.add(1, { org_id, 'mad.outcome': 'skipped' })),
    subscribeExecutor('committed', ({ org_id, job_ids, elapsed_ms }) => {
      flushSize.record(job_ids.length, { org_id });
      flushDuration.record(elapsed_ms / 1_000, { org_id });
    }),
  ];
  return {
    [Symbol.dispose]() {
      for (const subscription of subscriptions) subscription[Symbol.dispose]();
    },
  };
}

const errorType = (code: string | null): object => (code === null ? {} : { 'error.type': code });
