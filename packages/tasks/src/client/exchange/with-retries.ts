import { type Clock, TaskFailedError } from '@mad/core';
import { failureOfAnswer, readRetryAfterMs } from '../answer/service-failure.ts';
import type { ServiceAnswer } from './send-request.ts';

export interface Retries {
  /** The same request does its work once, however often it arrives. */
  readonly isRepeatable: boolean;
  readonly budget: RetryBudget;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Called before each wait. */
  readonly onRetry: (retry: {
    readonly attempt: number;
    readonly failure: TaskFailedError;
    readonly waitMs: number;
  }) => void;
}

const ATTEMPTS = 3;
const FIRST_WAIT_MS = 200;
/** What must wait longer is for whoever made the call to decide. */
const LONGEST_WAIT_MS = 5_000;
const PASSING = new Set([408, 425, 429, 502, 503, 504]);

/**
 * Sends a request up to three times while what keeps it from an answer may pass and a repetition does no harm: always when nobody was
 * reached, otherwise only what is repeatable. Waits as Retry-After says, else 200 ms and twice as long each time, by chance up to half of it less;
 * what would wait for more than five seconds is left to the caller.
 */
export async function withRetries(send: () => Promise<ServiceAnswer>, retries: Retries): Promise<ServiceAnswer> {
  const { budget, clock, signal, onRetry } = retries;
  budget.noteCall();
  for (let attempt = 0; ; attempt++) {
    const outcome = await send().catch((error: unknown) => {
      signal.throwIfAborted();
      if (error instanceof TaskFailedError && error.retryable) return error;
      throw error;
    });
    const failure = outcome instanceof TaskFailedError ? outcome : findPassing(outcome);
    if (!failure) return outcome as ServiceAnswer;
    const asked = outcome instanceof TaskFailedError ? undefined : readRetryAfterMs(outcome);
    const waitMs = asked ?? FIRST_WAIT_MS * 2 ** attempt * (1 - Math.random() / 2);
    // A service that was never reached has begun nothing.
    const isUnreached = outcome instanceof TaskFailedError && outcome.failureCode === 'SERVICE_UNAVAILABLE';
    const mayRepeat = retries.isRepeatable || isUnreached;
    if (!mayRepeat || attempt + 1 >= ATTEMPTS || waitMs > LONGEST_WAIT_MS || !budget.take()) {
      if (outcome instanceof TaskFailedError) throw outcome;
      return outcome;
    }
    onRetry({ attempt, failure, waitMs });
    await clock.sleep(waitMs, signal);
  }
}

function findPassing(answer: ServiceAnswer): TaskFailedError | undefined {
  return PASSING.has(answer.status) ? failureOfAnswer(answer) : undefined;
}

const MOST = 10;
const A_CALL = 0.1;

/** Retries that a service may still be asked: one for ten calls, ten in store, so that a service in trouble is not given more of it. */
export class RetryBudget {
  #left = MOST;

  noteCall(): void {
    this.#left = Math.min(MOST, this.#left + A_CALL);
  }

  /** False when none is left. */
  take(): boolean {
    if (this.#left < 1) return false;
    this.#left--;
    return true;
  }
}
