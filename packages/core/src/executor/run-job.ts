import { systemClock } from '../clock.ts';
import { isMadError, LeaseLostError, TaskFailedError } from '../errors.ts';
import { toJobFailure } from '../job/job-failure.ts';
import { mirrorJob } from '../job/mirror-job.ts';
import { silentLogger } from '../logger.ts';
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
  /** A job whose executor was lost more often than this is given up. */
  readonly maxCrashes: number;
  /** Aborts when the executor stops: leases are given back. */
  readonly signal: AbortSignal;
}

/** Brings one delivered job to its terminal state, unless another executor holds it, the lease is lost or the executor stops. */
export async function runJob(
  platform: Platform,
  { orgId, jobId }: JobMessage,
  { holder, leaseMs, stepConcurrency, maxCrashes, signal }: JobRun,
): Promise<void> {
  const { cache, tasks, clock = systemClock, logger = silentLogger } = platform;
  const results = await platform.results.get(orgId);
  const lease = await results.transaction().execute(async (tx) => {
    const claimed = await claimJobLease(tx, { jobId, holder, leaseMs });
    if (claimed) await appendJobEvents(tx, { jobId, events: [{ event: claimed.resumed ? 'RESUMED' : 'STARTED' }] });
    return claimed;
  });
  if (!lease) return;
  const { fence, job } = lease;
  await mirrorJob(platform, { orgId, jobId });
  const facts = { org_id: orgId, job_id: jobId };

  const journal = createJournal({ results, orgId, jobId, fence, holder, pipelineVersion: job.pipeline_version });
  await using kept = keepLease(results, { jobId, fence, leaseMs, clock, signal });
  try {
    if (job.cancel_requested_at !== null) throw new JobCanceled();
    if (job.crash_count > maxCrashes)
      throw new TaskFailedError({ ...GAVE_UP, message: `${GAVE_UP.message} (${job.crash_count} times)` });
    const loaded = await loadRun({ results, journal, job });
    const { spec, scope, outputs } = loaded;
    const failure = await runSteps({
      steps: spec.tasks,
      outputs,
      concurrency: stepConcurrency,
      signal: kept.signal,
      run: (step, signal) =>
        runStep({
          ...{ orgId, jobId, step, scope: scope(), results, journal, tasks, cache, clock, signal, logger },
          minConfidence: loaded.cache.min_confidence ?? undefined,
          serveFromCache: loaded.cache.use,
          earlier: loaded.earlierOf(step.name),
        }),
    });
    if (failure && !endsJob(failure.error)) throw failure.error;
    // Work that committed in the moment its lease went is caught by the fence, not here.
    if (failure) await closeRun(journal, { job, status: 'FAILED', failure: toJobFailure(failure.error, failure.step) });
    else await closeRun(journal, { job, status: 'COMPLETED', orgId, loaded, cache });
  } catch (error) {
    if (error instanceof JobCanceled || kept.signal.reason instanceof JobCanceled)
      await closeRun(journal, { job, status: 'CANCELED' });
    else if (error instanceof LeaseLostError)
      logger.warn(facts, 'the lease of a job went to another executor, which goes on with it');
    else if (signal.aborted) await results.transaction().execute((tx) => releaseJobLease(tx, { jobId, fence }));
    else if (endsJob(error)) await closeRun(journal, { job, status: 'FAILED', failure: toJobFailure(error) });
    // A database or store that is away is no failure of the job. The lease is left to run out, which is the pause before the next run.
    else logger.error({ err: error, ...facts }, 'a job was interrupted; it goes on when its lease has run out');
  }
  await mirrorJob(platform, { orgId, jobId });
}

const GAVE_UP = {
  failureCode: 'WORKER_LOST',
  message:
    'the run of this job was cut off again and again; look for what it does to its executor, then submit it anew',
  retryable: false,
};

/** True for what no further run can mend: a task's last failure, and input that breaks its form. */
function endsJob(error: unknown): boolean {
  return (
    error instanceof TaskFailedError || (isMadError(error) && !error.retryable && !(error instanceof LeaseLostError))
  );
}
