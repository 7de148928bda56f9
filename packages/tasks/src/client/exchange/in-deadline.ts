import { TaskFailedError } from '@mad/core';

/** Timers are no clocks. */
const TIMER_LATE_MS = 50;
const MAX_TIMER_MS = 2 ** 31 - 1;

export interface Deadline {
  readonly timeoutMs: number;
  readonly signal?: AbortSignal | undefined;
  /** What is under way, for messages. */
  readonly subject: string;
}

/**
 * Runs `run` with a signal that aborts with the caller's and at the deadline, whichever comes first.
 * @throws {TaskFailedError} CANCELED or TIMEOUT when it did, whatever `run` threw or gave then.
 */
export async function inDeadline<T>(
  { timeoutMs, signal, subject }: Deadline,
  run: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const cancel = (): void => controller.abort(canceled(subject, signal?.reason));
  const begun = performance.now();
  const timer = setTimeout(() => controller.abort(timedOut(subject, timeoutMs)), Math.min(timeoutMs, MAX_TIMER_MS));
  signal?.addEventListener('abort', cancel, { once: true });
  try {
    if (signal?.aborted) cancel();
    controller.signal.throwIfAborted();
    const result = await run(controller.signal);
    // Not everything that runs here heeds the signal, and what comes too late no longer counts.
    controller.signal.throwIfAborted();
    // The timer may be late where something held the process up.
    if (performance.now() - begun > timeoutMs + TIMER_LATE_MS) throw timedOut(subject, timeoutMs);
    return result;
  } catch (error) {
    controller.signal.throwIfAborted();
    throw error;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', cancel);
  }
}

function timedOut(subject: string, timeoutMs: number): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'TIMEOUT',
    message: `${subject} did not end within ${timeoutMs} ms; raise its timeoutMs if it needs longer`,
    retryable: true,
    details: { timeoutMs },
  });
}

function canceled(subject: string, cause: unknown): TaskFailedError {
  return new TaskFailedError({ failureCode: 'CANCELED', message: `${subject} was canceled`, retryable: false, cause });
}
