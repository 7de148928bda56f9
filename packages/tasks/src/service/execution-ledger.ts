import { createHash } from 'node:crypto';
import type { Logger } from '@mad/core';
import { TaskServiceError } from '../errors.ts';
import { Execution } from './execution.ts';
import type { Operation } from './operation.ts';

export interface ExecutionLedgerOptions {
  readonly operation: Operation;
  readonly concurrency: number;
  /** Executions that may wait for a place. */
  readonly queueLimit: number;
  readonly retainMs: number;
  readonly retainCount: number;
  readonly logger: Logger;
}

export interface NewExecution {
  /** The body as it came. */
  readonly body: Buffer;
  /** The body, parsed from JSON. */
  readonly value: unknown;
  readonly idempotencyKey: string | undefined;
}

interface Entry {
  readonly execution: Execution;
  readonly key: string | undefined;
  readonly bodyDigest: string;
  readonly done: Promise<void>;
}

/**
 * The executions of one operation: at most `concurrency` run, others wait in order, and those that ended stay known for a while. The same
 * idempotency key leads to the same execution, unless that one failed in a way that may pass: then it runs anew.
 */
export class ExecutionLedger {
  readonly #options: ExecutionLedgerOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry>();
  readonly #waiting: (() => void)[] = [];
  readonly #ended: string[] = [];
  readonly #timers = new Set<NodeJS.Timeout>();
  #running = 0;

  constructor(options: ExecutionLedgerOptions) {
    this.#options = options;
  }

  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#running, waiting: this.#waiting.length };
  }

  find(id: string): Execution | undefined {
    return this.#entries.get(id)?.execution;
  }

  /** Begins an execution, or finds the one that the key began. @throws {TaskServiceError} */
  start({ body, value, idempotencyKey }: NewExecution): Execution {
    const bodyDigest = createHash('sha256').update(body).digest('hex');
    const known = idempotencyKey === undefined ? undefined : this.#byKey.get(idempotencyKey);
    if (known && !mayPass(known.execution)) {
      if (known.bodyDigest === bodyDigest) return known.execution;
      throw new TaskServiceError({
        code: 'IDEMPOTENCY_KEY_REUSED',
        message: 'this Idempotency-Key came before with another request; send a key of its own',
        status: 409,
      });
    }
    const request = this.#options.operation.parseRequest(value);
    if (this.#running >= this.#options.concurrency && this.#waiting.length >= this.#options.queueLimit) {
      throw new TaskServiceError({
        code: 'SERVICE_UNAVAILABLE',
        message: 'the service has all the work it can take; ask again later',
        status: 503,
      });
    }
    const execution = new Execution();
    const entry: Entry = { execution, key: idempotencyKey, bodyDigest, done: this.#run(execution, request) };
    this.#entries.set(execution.id, entry);
    if (idempotencyKey !== undefined) this.#byKey.set(idempotencyKey, entry);
    void entry.done.then(() => this.#retain(execution.id));
    return execution;
  }

  /** Resolves when nothing runs or waits any more. */
  async idle(): Promise<void> {
    await Promise.all([...this.#entries.values()].map(({ done }) => done));
  }

  cancelAll(): void {
    for (const { execution } of this.#entries.values()) execution.cancel();
  }

  forgetAll(): void {
    for (const timer of this.#timers) clearTimeout(timer);
    this.#entries.clear();
    this.#byKey.clear();
  }

  async #run(execution: Execution, request: unknown): Promise<void> {
    if (!(await this.#enter(execution))) return;
    const { operation, logger } = this.#options;
    try {
      execution.begin();
      execution.complete(
        await operation.run(request, {
          signal: execution.signal,
          progress: (fraction) => execution.report(fraction),
          logger,
        }),
      );
    } catch (error) {
      execution.fail(this.#toServiceError(error, execution));
    } finally {
      this.#leave();
    }
  }

  /** Waits for a place; false when the execution was canceled before it had one. */
  async #enter({ signal }: Execution): Promise<boolean> {
    if (this.#running < this.#options.concurrency) {
      this.#running++;
      return true;
    }
    const turn = Promise.withResolvers<boolean>();
    const enter = (): void => turn.resolve(true);
    const giveUp = (): void => {
      this.#waiting.splice(this.#waiting.indexOf(enter), 1);
      turn.resolve(false);
    };
    this.#waiting.push(enter);
    signal.addEventListener('abort', giveUp, { once: true });
    const entered = await turn.promise;
    signal.removeEventListener('abort', giveUp);
    return entered;
  }

  #leave(): void {
    const next = this.#waiting.shift();
    // The place goes straight to the next one: nobody can step in between.
    if (next) next();
    else this.#running--;
  }

  #toServiceError(error: unknown, { id, signal }: Execution): TaskServiceError {
    if (error instanceof TaskServiceError) return error;
    const { operation, logger } = this.#options;
    if (!signal.aborted)
      logger.error({ taskKey: operation.taskKey, executionId: id, err: error }, 'the handler of an operation failed');
    return new TaskServiceError({
      code: 'INTERNAL_ERROR',
      message: 'the service met an internal error; its log names the cause',
      status: 500,
      cause: error,
    });
  }

  #retain(id: string): void {
    const timer = setTimeout(() => this.#forget(id), this.#options.retainMs);
    timer.unref();
    this.#timers.add(timer);
    this.#ended.push(id);
    while (this.#ended.length > this.#options.retainCount) this.#forget(this.#ended[0] ?? id);
  }

  #forget(id: string): void {
    const at = this.#ended.indexOf(id);
    if (at >= 0) this.#ended.splice(at, 1);
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    if (entry?.key !== undefined && this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
  }
}

/** Canceled, or failed in a way that the same request may survive later: a repetition is meant to run. */
function mayPass({ status, error, signal }: Execution): boolean {
  return signal.aborted || status === 'CANCELED' || (status === 'FAILED' && error?.retryable === true);
}
