import type { Clock } from '../clock.ts';
import { isMadError } from '../errors.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';

export interface Attempts<T> {
  readonly retry: PublishedStep['retry'];
  /** Attempts that ended in earlier runs of the job. */
  readonly alreadyFailed: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** One attempt; `failed` counts those before it that ended with an answer or a timeout. */
  readonly attempt: (failed: number) => Promise<T>;
  /** Told before the wait that follows a failed attempt. */
  readonly onRetry: (error: unknown, waitMs: number) => Promise<void>;
}

/** Repeats an attempt while its error is retryable and attempts are left, with a wait that doubles. */
export async function runAttempts<T>({
  retry,
  alreadyFailed,
  clock,
  signal,
  attempt,
  onRetry,
}: Attempts<T>): Promise<T> {
  for (let failed = alreadyFailed; ; failed++) {
    try {
      return await attempt(failed);
    } catch (error) {
      signal.throwIfAborted();
      if (!isMadError(error) || !error.retryable || failed + 1 >= retry.attempts) throw error;
      const waitMs = Math.round(retry.backoffMs * 2 ** failed * (1 - retry.jitter * Math.random()));
      await onRetry(error, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
