import { type Meter, metrics, type Tracer, trace } from '@opentelemetry/api';
import type { Executor } from '../executor/executor.ts';
import { measureJobs } from './measure-jobs.ts';
import { observeStatus } from './observe-status.ts';
import { traceJobs } from './trace-jobs.ts';

export interface InstrumentExecutor {
  /** @default the global provider's */
  readonly tracer?: Tracer | undefined;
  /** @default the global provider's, which must be set before */
  readonly meter?: Meter | undefined;
  /** Whose status the gauges show. Absent: no gauges. */
  readonly executor?: Pick<Executor, 'status'> | undefined;
  /** A run of which nothing was heard for so long is lost, and its spans end. More than `leaseMs`. @default 3_600_000 */
  readonly lostAfterMs?: number | undefined;
}

const SCOPE = '@mad/core';

/**
 * Makes spans and metrics of the jobs that executors run in this process, until it is disposed; one call covers them all. A span `mad.job` for each
 * run of a job from its claim on, with a span `mad.attempt` for each call of a task service below it. They carry `org_id`, `job_id`,
 * `step` and `attempt` like the lines of a log, and no payload. At most 10,000 runs are kept open.
 */
export function instrumentExecutor({
  tracer = trace.getTracer(SCOPE),
  meter = metrics.getMeter(SCOPE),
  executor,
  lostAfterMs = 3_600_000,
}: InstrumentExecutor = {}): Disposable {
  const parts = [traceJobs(tracer, { lostAfterMs }), measureJobs(meter)];
  if (executor) parts.push(observeStatus(meter, executor));
  return {
    [Symbol.dispose]() {
      for (const part of parts.splice(0)) part[Symbol.dispose]();
    },
  };
}
