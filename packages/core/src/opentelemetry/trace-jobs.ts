import { type Attributes, ROOT_CONTEXT, type Span, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api';
import {
  type AttemptFacts,
  type EndedAttemptFacts,
  type ExecutorFacts,
  subscribeExecutor,
} from '../executor/diagnostics.ts';
import { type OpenRun, OpenRuns } from './open-runs.ts';

/** A span for each run of a job, and one below it for each of its attempts. */
export function traceJobs(tracer: Tracer, { lostAfterMs }: { readonly lostAfterMs: number }): Disposable {
  const runs = new OpenRuns({ lostAfterMs, onLost: (run) => endRun(run, 'lost') });

  function claimed({ org_id, job_id, pipeline, fence }: ExecutorFacts['job.claimed']): void {
    const attributes = { org_id, job_id, 'mad.pipeline': pipeline, 'mad.fence': fence };
    // A batch carries the context of whoever came first: what is active now has nothing to do with this job.
    runs.open({ org_id, job_id }, tracer.startSpan('mad.job', { attributes }, ROOT_CONTEXT));
  }

  function started(facts: AttemptFacts): void {
    const run = runs.hear(facts);
    if (!run) return;
    const { org_id, job_id, step, attempt, cache } = facts;
    const attributes: Attributes = { org_id, job_id, step, attempt };
    if (cache !== null) attributes['mad.cache'] = cache;
    run.attempts.get(step)?.end();
    run.attempts.set(step, tracer.startSpan('mad.attempt', { attributes }, trace.setSpan(ROOT_CONTEXT, run.span)));
  }

  function takeAttempt(facts: EndedAttemptFacts, outcome: string): Span | undefined {
    const run = runs.hear(facts);
    const span = run?.attempts.get(facts.step);
    run?.attempts.delete(facts.step);
    return span?.setAttribute('mad.outcome', outcome);
  }

  function addEvent(name: string, { org_id, job_id, ...attributes }: { org_id: string; job_id: string } & Attributes) {
    runs.hear({ org_id, job_id })?.span.addEvent(name, attributes);
  }

  const parts = [
    subscribeExecutor('job.claimed', claimed),
    subscribeExecutor('attempt.started', started),
    subscribeExecutor('attempt.answered', (facts) => {
      const attributes = { 'mad.service': facts.service, 'mad.compute_ms': facts.compute_ms };
      takeAttempt(facts, 'answered')?.setAttributes(attributes).end();
    }),
    subscribeExecutor('attempt.failed', (facts) => {
      const span = takeAttempt(facts, 'failed');
      if (span) markFailed(span, facts.code).end();
    }),
    subscribeExecutor('attempt.canceled', (facts) => {
      takeAttempt(facts, 'canceled')?.setAttribute('mad.reason', facts.reason).end();
    }),
    subscribeExecutor('attempt.retrying', ({ org_id, job_id, step, attempt, wait_ms }) =>
      addEvent('attempt.retrying', { org_id, job_id, step, attempt, 'mad.wait_ms': wait_ms }),
    ),
    subscribeExecutor('step.cached', ({ org_id, job_id, step, canonical_job_id }) =>
      addEvent('step.cached', { org_id, job_id, step, 'mad.cache': 'hit', 'mad.canonical_job_id': canonical_job_id }),
    ),
    subscribeExecutor('step.skipped', ({ org_id, job_id, step }) => addEvent('step.skipped', { org_id, job_id, step })),
    subscribeExecutor('lease.renewed', ({ org_id, job_ids }) => {
      for (const job_id of job_ids) runs.hear({ org_id, job_id });
    }),
    subscribeExecutor('job.closed', (facts) => {
      const run = runs.take(facts);
      if (!run) return;
      run.span.setAttribute('mad.status', facts.status);
      if (facts.status === 'FAILED') markFailed(run.span, facts.code ?? 'FAILED');
      endRun(run, 'closed');
    }),
    subscribeExecutor('job.interrupted', (facts) => {
      const run = runs.take(facts);
      run?.span.setAttribute('mad.reason', facts.reason);
      if (run) endRun(run, 'interrupted');
    }),
    runs,
  ];
  return {
    [Symbol.dispose]() {
      for (const part of parts) part[Symbol.dispose]();
    },
  };
}

function endRun({ span, attempts }: OpenRun, outcome: 'closed' | 'interrupted' | 'lost'): void {
  for (const attempt of attempts.values()) attempt.setAttribute('mad.outcome', outcome).end();
  span.setAttribute('mad.outcome', outcome).end();
}

/** The code alone: messages may quote what was computed. */
function markFailed(span: Span, code: string): Span {
  return span.setAttribute('error.type', code).setStatus({ code: SpanStatusCode.ERROR, message: code });
}
