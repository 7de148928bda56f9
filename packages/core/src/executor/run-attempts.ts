import type { Clock } from '../clock.ts';
import { TaskFailedError } from '../errors.ts';
import type { PublishedStep } from '../pipeline/pipeline-spec.ts';

export interface Attempts<T> {
  readonly retry: PublishedStep['retry'];
  /** Attempts that ended in earlier runs of the job. */
  readonly alreadyFailed: number;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly attempt: () => Promise<T>;
  /** Told before the wait that follows a failed attempt. */
  readonly onRetry: (error: TaskFailedError, waitMs: number) => Promise<void>;
}

// A timer of Node's beyond 2^31 ms fires at once.
const MAX_WAIT_MS = 86_400_000;

/** Repeats an attempt while the task's failure is retryable and attempts are left, with a wait that doubles. */
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
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof TaskFailedError) || !error.retryable || failed + 1 >= retry.attempts) throw error;
      const waitMs = Math.round(
        Math.min(retry.backoffMs * 2 ** failed, MAX_WAIT_MS) * (1 - retry.jitter * Math.random()),
      );
      await onRetry(error, waitMs);
      await clock.sleep(waitMs, signal);
    }
  }
}
