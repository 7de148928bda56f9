import type { PublishedStep } from '../pipeline/pipeline-spec.ts';

// A timer of Node's beyond 2^31 ms fires at once.
const MAX_WAIT_MS = 86_400_000;

/** The pause after the `failed`-th failure, 1-based: doubles with each, less a random share of it so that many do not come back together. */
export function retryWaitMs({ backoffMs, jitter }: PublishedStep['retry'], failed: number): number {
  const wait = Math.min(backoffMs * 2 ** (failed - 1), MAX_WAIT_MS);
  return Math.round(wait * (1 - jitter * Math.random()));
}
