import { systemClock } from '../clock.ts';
import { LeaseLostError } from '../errors.ts';
import { type HeldJob, releaseJobLease } from '../results/job-lease.repository.ts';
import type { ExecutorContext } from './executor-context.ts';

const FIRST_PAUSE_MS = 100;
const LONGEST_MS = 10_000;

/** Gives a lease back, however often that needs to be tried within ten seconds or the lease's own time; after that it runs out by itself. Never rejects. */
export async function giveBack(
  { results, leaseMs }: Pick<ExecutorContext, 'results' | 'leaseMs'>,
  held: HeldJob,
): Promise<void> {
  let pauseMs = FIRST_PAUSE_MS;
  for (let waitedMs = 0; waitedMs < Math.min(leaseMs, LONGEST_MS); waitedMs += pauseMs, pauseMs *= 2) {
    try {
      return await results.transaction().execute((tx) => releaseJobLease(tx, held));
    } catch (error) {
      if (error instanceof LeaseLostError) return;
      await systemClock.sleep(pauseMs);
    }
  }
}
