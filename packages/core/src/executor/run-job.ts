import { systemClock } from '../clock.ts';
import { LeaseLostError } from '../errors.ts';
import { toJobFailure } from '../job/job-failure.ts';
import { mirrorJob } from '../job/mirror-job.ts';
import type { Platform } from '../platform.ts';
import type { JobMessage } from '../ports/job-queue.ts';
import { appendJobEvents } from '../results/job-event.repository.ts';
import { claimJobLease, releaseJobLease } from '../results/job-lease.repository.ts';
import { closeRun } from './close-run.ts';
import { createJournal } from './journal.ts';
import { JobCanceled, keepLease } from './keep-lease.ts';
import { loadRun } from './load-run.ts';
import { runStep } from './run-step.ts';
import { runSteps } from './run-steps.ts';

export interface JobRun {
  readonly holder: string;
  readonly leaseMs: number;
  readonly stepConcurrency: number;
  /** Aborts when the executor stops: leases are given back. */
  readonly signal: AbortSignal;
}

/** Brings one delivered job to its terminal state, unless another executor holds it, the lease is lost or the executor stops. */
export async function runJob(
  platform: Platform,
  { orgId, jobId }: JobMessage,
  { holder, leaseMs, stepConcurrency, signal }: JobRun,
): Promise<void> {
  const { cache, tasks, clock = systemClock } = platform;
  const results = await platform.results.get(orgId);
  const lease = await results.transaction().execute(async (tx) => {
    const claimed = await claimJobLease(tx, { jobId, holder, leaseMs });
    if (claimed) await appendJobEvents(tx, { jobId, events: [{ event: claimed.resumed ? 'RESUMED' : 'STARTED' }] });
    return claimed;
  });
  if (!lease) return;
  const { fence, job } = lease;
  await mirrorJob(platform, { orgId, jobId });

  const journal = createJournal({ results, orgId, jobId, fence, holder, pipelineVersion: job.pipeline_version });
  await using kept = keepLease(results, { jobId, fence, leaseMs, clock, signal });
  try {
    const loaded = await loadRun({ results, journal, job });
    const { spec, scope, outputs } = loaded;
    const failure = await runSteps({
      steps: spec.tasks,
      outputs,
      concurrency: stepConcurrency,
      signal: kept.signal,
      run: (step, signal) =>
        runStep({
          ...{ orgId, jobId, step, scope: scope(), results, journal, tasks, cache, clock, signal },
          minConfidence: loaded.cache.min_confidence ?? undefined,
          serveFromCache: loaded.cache.use,
          earlier: loaded.earlierOf(step.name),
        }),
    });
    // Work that committed in the moment its lease went is caught by the fence, not here.
    await closeRun(
      journal,
      failure
        ? { job, status: 'FAILED', failure: toJobFailure(failure.error, failure.step) }
        : { job, status: 'COMPLETED', orgId, loaded, cache },
    );
  } catch (error) {
    if (error instanceof LeaseLostError) throw error;
    if (kept.signal.reason instanceof JobCanceled) await closeRun(journal, { job, status: 'CANCELED' });
    else if (signal.aborted) await results.transaction().execute((tx) => releaseJobLease(tx, { jobId, fence }));
    else await closeRun(journal, { job, status: 'FAILED', failure: toJobFailure(error) });
    platform.logger?.info({ err: error, org_id: orgId, job_id: jobId }, 'a job ended without a result');
  }
  await mirrorJob(platform, { orgId, jobId });
}
