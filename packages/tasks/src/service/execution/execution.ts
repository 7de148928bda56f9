import { randomUUID } from 'node:crypto';
import type { JsonObject } from '@mad/core';
import { TaskServiceError } from '../../errors.ts';

export type ExecutionStatus = 'PENDING' | 'RUNNING' | 'COMPLETED' | 'FAILED' | 'CANCELED';

/**
 * One run of an operation. PENDING until it has a place, then RUNNING, then exactly one of COMPLETED, FAILED and CANCELED.
 * It is aborted by `cancel`, and when the last of the callers that hold it has let go.
 */
export class Execution {
  readonly id = randomUUID();
  readonly #controller = new AbortController();
  #status: ExecutionStatus = 'PENDING';
  #progress = 0;
  #holders = 0;
  #result: Buffer | undefined;
  #error: TaskServiceError | undefined;
  #change = Promise.withResolvers<void>();
  readonly #end = Promise.withResolvers<void>();
  readonly #told = Promise.withResolvers<void>();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  get status(): ExecutionStatus {
    return this.#status;
  }

  get hasEnded(): boolean {
    return this.#status !== 'PENDING' && this.#status !== 'RUNNING';
  }

  /** JSON text, in UTF-8. */
  get result(): Buffer | undefined {
    return this.#result;
  }

  get error(): TaskServiceError | undefined {
    return this.#error;
  }

  /** Resolves at the next change of status or progress. */
  get changed(): Promise<void> {
    return this.#change.promise;
  }

  /** Resolves when the execution has ended, however it did. */
  get ended(): Promise<void> {
    return this.#end.promise;
  }

  /** Resolves when a caller was told how the execution ended. */
  get told(): Promise<void> {
    return this.#told.promise;
  }

  begin(): void {
    this.#status = 'RUNNING';
    this.#announce();
  }

  /** What is no fraction, or less than was reported before, is passed over. */
  report(fraction: number): void {
    if (typeof fraction !== 'number' || this.#status !== 'RUNNING' || !(fraction > this.#progress)) return;
    this.#progress = Math.min(fraction, 1);
    this.#announce();
  }

  complete(result: Buffer): void {
    this.#finish('COMPLETED', { result });
  }

  /** An execution that fails after it was told to stop is canceled, whatever its handler threw. */
  fail(error: TaskServiceError): void {
    if (this.signal.aborted) this.#finish('CANCELED', {});
    else this.#finish('FAILED', { error });
  }

  cancel(): void {
    if (this.hasEnded) return;
    this.#controller.abort(
      new TaskServiceError({ code: 'CANCELED', message: 'the execution was canceled', status: 503 }),
    );
    if (this.#status === 'PENDING') this.#finish('CANCELED', {});
  }

  /** Ends a canceled execution whose handler does not stop; what that still answers is passed over. */
  abandon(): void {
    this.#finish('CANCELED', {});
  }

  /** Keeps the execution wanted until the returned function is called; the last to let go cancels it. */
  hold(): () => void {
    this.#holders++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      if (--this.#holders === 0) this.cancel();
    };
  }

  /** As the status operation answers it: JSON text, in UTF-8. Who asks after the end counts as told. */
  tell(): Buffer {
    if (this.hasEnded) this.#told.resolve();
    const state = JSON.stringify({
      execution_id: this.id,
      status: this.#status,
      progress: this.#status === 'COMPLETED' ? 1 : this.#progress,
      ...(this.#error ? { error: errorBody(this.#error) } : {}),
    });
    if (!this.#result) return Buffer.from(state);
    return Buffer.concat([Buffer.from(`${state.slice(0, -1)},"result":`), this.#result, Buffer.from('}')]);
  }

  #finish(status: ExecutionStatus, outcome: { result?: Buffer; error?: TaskServiceError }): void {
    if (this.hasEnded) return;
    this.#status = status;
    this.#result = outcome.result;
    this.#error = outcome.error;
    this.#end.resolve();
    this.#announce();
  }

  #announce(): void {
    this.#change.resolve();
    this.#change = Promise.withResolvers<void>();
  }
}

/** An error as every answer carries it. */
export function errorBody({ failureCode, message, retryable, details }: TaskServiceError): JsonObject {
  return { code: failureCode, message, retryable, ...(Object.keys(details).length > 0 ? { details } : {}) };
}
