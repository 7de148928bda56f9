import type { Clock } from '../clock.ts';
import { LeaseLostError } from '../errors.ts';
import { renewJobLease } from '../results/job-lease.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';

/** The reason of the signal when someone asked to cancel the job. */
export class JobCanceled extends DOMException {
  constructor() {
    super('the job was canceled', 'AbortError');
  }
}

export interface KeptLease extends AsyncDisposable {
  /** Aborts when the lease is lost, when the job is to be canceled, or with the signal that was passed in. */
  readonly signal: AbortSignal;
}

/** Renews a lease three times in its life and looks for a wish to cancel at least each second, until disposed. */
export function keepLease(
  results: ResultsDatabase,
  options: { jobId: string; fence: number; leaseMs: number; clock: Clock; signal: AbortSignal },
): KeptLease {
  const { jobId, fence, leaseMs, clock } = options;
  const ended = new AbortController();
  const lost = new AbortController();
  const renewing = (async () => {
    let failures = 0;
    while (!ended.signal.aborted && !lost.signal.aborted) {
      await clock.sleep(Math.min(leaseMs / 3, 1_000), ended.signal).catch(() => {});
      if (ended.signal.aborted) return;
      try {
        const lease = await renewJobLease(results, { jobId, fence, leaseMs });
        failures = 0;
        if (!lease) lost.abort(new LeaseLostError({ jobId, fence }));
        else if (lease.cancelRequested) lost.abort(new JobCanceled());
      } catch (error) {
        // A database that is away for a moment is no lost lease; once the lease must have run out, it is.
        failures++;
        if (failures * Math.min(leaseMs / 3, 1_000) >= leaseMs) lost.abort(error);
      }
    }
  })();
  return {
    signal: AbortSignal.any([options.signal, lost.signal]),
    async [Symbol.asyncDispose]() {
      ended.abort();
      await renewing;
    },
  };
}
