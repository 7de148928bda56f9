import type { ClaimedOrganization, FleetOutcome } from '@mad/core';
import { givenBack } from './migrate-organization.ts';

/** So many times what runs is held at most: what waits here keeps the process busy while it asks for more. */
const HELD = 3;

export interface ClaimedWorkOptions {
  readonly concurrency: number;
  readonly concurrencyPerCluster: number;
  /** Never rejects. */
  readonly migrate: (claim: ClaimedOrganization) => Promise<FleetOutcome>;
}

/** Claims of one process: so many run at a time, of one cluster too, and the others wait in their order. */
export class ClaimedWork {
  readonly #options: ClaimedWorkOptions;
  readonly #waiting = new Set<ClaimedOrganization>();
  readonly #running = new Map<ClaimedOrganization, Promise<void>>();
  readonly #outcomes: FleetOutcome[] = [];
  #change = Promise.withResolvers<void>();

  constructor(options: ClaimedWorkOptions) {
    this.#options = options;
  }

  /** How many more claims it takes. */
  get room(): number {
    return this.#options.concurrency * HELD - this.#waiting.size - this.#running.size;
  }

  add(claims: readonly ClaimedOrganization[]): void {
    for (const claim of claims) this.#waiting.add(claim);
    this.#startNext();
  }

  get hasOutcomes(): boolean {
    return this.#outcomes.length > 0;
  }

  /** What became of claims since it was last asked. */
  takeOutcomes(): FleetOutcome[] {
    return this.#outcomes.splice(0);
  }

  /** Resolves when there is much to tell or nothing left to do, when it is woken, and after `ms` in any case. */
  async untilChange(ms: number): Promise<void> {
    const timer = setTimeout(() => this.wake(), ms);
    await this.#change.promise;
    clearTimeout(timer);
    this.#change = Promise.withResolvers();
  }

  wake(): void {
    this.#change.resolve();
  }

  /** Gives back what waits and lets what runs come to its end. */
  async stop(): Promise<void> {
    for (const { org_id } of this.#waiting) this.#outcomes.push(givenBack(org_id));
    this.#waiting.clear();
    await Promise.all(this.#running.values());
  }

  #startNext(): void {
    const { concurrency, concurrencyPerCluster } = this.#options;
    for (const claim of this.#waiting) {
      if (this.#running.size >= concurrency) return;
      let onCluster = 0;
      for (const { cluster } of this.#running.keys()) if (cluster === claim.cluster) onCluster++;
      if (onCluster >= concurrencyPerCluster) continue;
      this.#waiting.delete(claim);
      this.#running.set(claim, this.#run(claim));
    }
  }

  async #run(claim: ClaimedOrganization): Promise<void> {
    this.#outcomes.push(await this.#options.migrate(claim));
    this.#running.delete(claim);
    this.#startNext();
    if (this.#outcomes.length >= this.#options.concurrency || this.#running.size === 0) this.wake();
  }
}
