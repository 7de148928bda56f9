import { AsyncLocalStorage } from 'node:async_hooks';
import type { Logger } from '../logger.ts';
import type { ConsumeOptions } from '../ports/job-queue.ts';
import { redeliveryPauseMs } from '../queue/redelivery-pause.ts';
import type { CycleAnswer, CycleRequest, Delivery, EndedDelivery } from './admission-cycle.ts';
import { toJobMessage } from './boss-message.ts';

export interface BossWorkerOptions extends ConsumeOptions {
  readonly cycle: (request: CycleRequest) => Promise<CycleAnswer>;
  /** The longest time between two cycles: each is a sign of life, too. */
  readonly pollMs: number;
  readonly logger: Logger;
}

/**
 * Delivers messages to one handler. Its cycles follow one another, never two at once: what ends during one is settled with the next, so the
 * batches grow with the load. It sleeps until something ended, somebody called, or `pollMs` have passed.
 */
export class BossWorker implements AsyncDisposable {
  readonly #options: BossWorkerOptions;
  readonly #deliver: (delivery: Delivery) => Promise<void>;
  readonly #running = new Set<Delivery>();
  readonly #lost = new WeakSet<Delivery>();
  readonly #done: Promise<void>;
  #ended: EndedDelivery[] = [];
  #stopping = false;
  #isCalled = false;
  #call: (() => void) | undefined;

  constructor(options: BossWorkerOptions) {
    this.#options = options;
    const inContext = AsyncLocalStorage.snapshot();
    this.#deliver = (delivery) => inContext(async () => options.handler(toJobMessage(delivery.message)));
    this.#done = this.#work();
  }

  /** Something may have come for this worker: looks at once if it has room. */
  wake(): void {
    if (this.#free > 0) this.#wakeUp();
  }

  /** Admits no more, and resolves when the running handlers have ended and are settled. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopping = true;
    this.#wakeUp();
    await this.#done;
  }

  get #free(): number {
    return this.#stopping ? 0 : this.#options.concurrency - this.#running.size;
  }

  async #work(): Promise<void> {
    const { pollMs, logger } = this.#options;
    while (!this.#stopping || this.#running.size > 0 || this.#ended.length > 0) {
      this.#isCalled = false;
      try {
        await this.#runCycle();
      } catch (error) {
        logger.warn({ err: error }, 'the job queue could not be reached; it is tried again');
        // Its slots expire, and what has ended is delivered once more.
        if (this.#stopping && this.#running.size === 0) return;
        this.#isCalled = false;
      }
      await this.#sleep(pollMs);
    }
  }

  async #runCycle(): Promise<void> {
    const ended = [...this.#ended];
    const request = { running: [...this.#running], ended, free: this.#free };
    const { admitted, lost } = await this.#options.cycle(request);
    this.#ended = this.#ended.slice(ended.length);
    for (const { rejected, message } of ended) if (rejected) this.#wakeIn(redeliveryPauseMs(message.rejections + 1));
    for (const delivery of lost) this.#warnOnce(delivery);
    for (const delivery of admitted) void this.#run(delivery);
  }

  async #run(delivery: Delivery): Promise<void> {
    this.#running.add(delivery);
    let rejected = false;
    try {
      await this.#deliver(delivery);
    } catch (error) {
      rejected = true;
      const { orgId, jobId } = delivery.message;
      this.#options.logger.error({ err: error, org_id: orgId, job_id: jobId }, 'a delivery failed; it is made again');
    }
    this.#running.delete(delivery);
    this.#ended.push({ ...delivery, rejected });
    this.#wakeUp();
  }

  #warnOnce(delivery: Delivery): void {
    if (this.#lost.has(delivery)) return;
    this.#lost.add(delivery);
    const { orgId, jobId } = delivery.message;
    this.#options.logger.warn(
      { org_id: orgId, job_id: jobId },
      'this worker was thought dead; another has its job now',
    );
  }

  /** A pause shorter than the time between two looks should not last as long as that. */
  #wakeIn(ms: number): void {
    if (ms < this.#options.pollMs) setTimeout(() => this.wake(), ms).unref();
  }

  #wakeUp(): void {
    this.#isCalled = true;
    this.#call?.();
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#isCalled) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#call = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#call = undefined;
  }
}
