import { createHash } from 'node:crypto';
import type { Logger } from '@mad/core';
import { TaskServiceError } from '../../errors.ts';
import type { Operation } from '../operation/operation.ts';
import { Execution } from './execution.ts';
import { Places } from './places.ts';
import { RecentDurations } from './recent-durations.ts';
import { settles } from './settles.ts';
import { toFailure } from './to-failure.ts';
import { writeJson } from './write-json.ts';

export interface ExecutionLedgerOptions {
  readonly operation: Operation;
  readonly concurrency: number;
  /** Executions that may wait for a place. */
  readonly queueLimit: number;
  readonly retainMs: number;
  readonly retainCount: number;
  /** Of the JSON text of a result. */
  readonly maxResultBytes: number;
  readonly logger: Logger;
}

export interface NewExecution {
  /** What is compared when an idempotency key comes again. */
  readonly body: Buffer;
  /** The body, parsed. */
  readonly value: unknown;
  readonly idempotencyKey: string | undefined;
}

export interface Drain {
  /** How long executions may go on. */
  readonly graceMs: number;
  /** How long those that were then canceled may take to stop. */
  readonly cancelMs: number;
}

interface Entry {
  readonly execution: Execution;
  readonly key: string | undefined;
  /** Undefined without a key. */
  readonly bodyDigest: string | undefined;
}

const MAX_RETRY_AFTER_S = 60;

/**
 * The executions of one operation: at most `concurrency` run, others wait in order, and those that ended stay known for a while. The same
 * idempotency key leads to the same execution, unless that one failed in a way that may pass: then it runs anew.
 */
export class ExecutionLedger {
  readonly concurrency: number;
  readonly #options: ExecutionLedgerOptions;
  readonly #places: Places;
  readonly #durations = new RecentDurations();
  readonly #entries = new Map<string, Entry>();
  readonly #byKey = new Map<string, Entry>();
  /** By id, the oldest first, with what makes them forgotten. */
  readonly #ended = new Map<string, NodeJS.Timeout>();

  constructor(options: ExecutionLedgerOptions) {
    this.concurrency = options.concurrency;
    this.#options = options;
    this.#places = new Places(options.concurrency);
  }

  get load(): { readonly running: number; readonly waiting: number } {
    return { running: this.#places.taken, waiting: this.#places.waiting };
  }

  /** Whole seconds until whoever comes now may expect a place, by the median of the latest executions: 1 before the first, 60 at most. */
  get retryAfterS(): number {
    const turns = (this.#places.waiting + 1) / this.concurrency;
    const seconds = Math.ceil(((this.#durations.medianMs ?? 0) * turns) / 1_000);
    return Math.min(Math.max(seconds, 1), MAX_RETRY_AFTER_S);
  }

  find(id: string): Execution | undefined {
    return this.#entries.get(id)?.execution;
  }

  /** Begins an execution, or finds the one that the key began. @throws {TaskServiceError} */
  start({ body, value, idempotencyKey }: NewExecution): Execution {
    const bodyDigest = idempotencyKey && createHash('sha256').update(body).digest('hex');
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
    if (this.#places.areTaken && this.#places.waiting >= this.#options.queueLimit) {
      throw new TaskServiceError({
        code: 'SERVICE_UNAVAILABLE',
        message: 'the service has all the work it can take; ask again later',
        status: 503,
      });
    }
    const execution = new Execution();
    const entry: Entry = { execution, key: idempotencyKey, bodyDigest };
    this.#entries.set(execution.id, entry);
    if (idempotencyKey !== undefined) this.#byKey.set(idempotencyKey, entry);
    void execution.ended.then(() => this.#retain(execution.id));
    // What is left to throw is the host's logger, and no execution is worth the process.
    this.#run(execution, request).catch(() => {});
    return execution;
  }

  /**
   * Lets what runs and waits end, then cancels it, then gives up on handlers that do not stop; returns what had not ended before. A second
   * call may have less patience.
   */
  async drain({ graceMs, cancelMs }: Drain): Promise<readonly Execution[]> {
    const open = [...this.#entries.values()].flatMap(({ execution }) => (execution.hasEnded ? [] : [execution]));
    const ended = Promise.all(open.map((execution) => execution.ended));
    if (await settles(ended, graceMs)) return open;
    for (const execution of open) execution.cancel();
    if (await settles(ended, cancelMs)) return open;
    const { operation, logger } = this.#options;
    for (const execution of open) {
      if (execution.hasEnded) continue;
      execution.abandon();
      logger.error(
        { taskKey: operation.taskKey, executionId: execution.id },
        'a handler goes on after its signal; it was given up',
      );
    }
    return open;
  }

  forgetAll(): void {
    for (const timer of this.#ended.values()) clearTimeout(timer);
    this.#ended.clear();
    this.#entries.clear();
    this.#byKey.clear();
  }

  async #run(execution: Execution, request: unknown): Promise<void> {
    if (!(await this.#places.enter(execution.signal))) return;
    const begun = performance.now();
    try {
      // Canceled in the moment between a place and this line.
      if (execution.hasEnded) return;
      execution.begin();
      execution.complete(await this.#runHandler(execution, request));
    } catch (error) {
      this.#fail(execution, error);
    } finally {
      this.#places.leave();
      if (!execution.signal.aborted) this.#durations.add(performance.now() - begun);
    }
  }

  async #runHandler(execution: Execution, request: unknown): Promise<Buffer> {
    const { operation, maxResultBytes, logger } = this.#options;
    const result = writeJson(
      await operation.run(request, {
        signal: execution.signal,
        progress: (fraction) => execution.report(fraction),
        logger,
      }),
    );
    if (result.byteLength <= maxResultBytes) return result;
    throw new TaskServiceError({
      code: 'RESULT_TOO_LARGE',
      message: `the result has ${result.byteLength} bytes, and this service answers with ${maxResultBytes} at most; ask for less`,
    });
  }

  #fail(execution: Execution, error: unknown): void {
    const { failure, isForeseen } = toFailure(error);
    execution.fail(failure);
    if (isForeseen || execution.status === 'CANCELED') return;
    const { operation, logger } = this.#options;
    const facts = { taskKey: operation.taskKey, executionId: execution.id };
    logger.error({ ...facts, err: failure.cause }, 'the handler of an operation failed');
  }

  #retain(id: string): void {
    const timer = setTimeout(() => this.#forget(id), this.#options.retainMs);
    timer.unref();
    this.#ended.set(id, timer);
    for (const oldest of this.#ended.keys()) {
      if (this.#ended.size <= this.#options.retainCount) break;
      this.#forget(oldest);
    }
  }

  #forget(id: string): void {
    clearTimeout(this.#ended.get(id));
    this.#ended.delete(id);
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    if (entry?.key !== undefined && this.#byKey.get(entry.key) === entry) this.#byKey.delete(entry.key);
  }
}

/** Canceled, or failed in a way that the same request may survive later: a repetition is meant to run. */
function mayPass({ status, error, signal }: Execution): boolean {
  return signal.aborted || status === 'CANCELED' || (status === 'FAILED' && error?.retryable === true);
}
