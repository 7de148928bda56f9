import type { OrgId } from '../ids.ts';
import type { Logger } from '../logger.ts';
import {
  claimCacheFlights,
  deleteOldCacheFlights,
  endCacheFlights,
  endCacheFlightUnshared,
  type HeldCacheFlight,
  listCacheFlights,
  noteCacheFlightProgress,
  renewCacheFlights,
  type SeenCacheFlight,
  type WantedFlight,
} from '../results/cache-flight.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { gather } from './gather.ts';

export interface FlightsOptions {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  /** Names the executor on the rows it writes. */
  readonly holder: string;
  readonly leaseMs: number;
  readonly logger: Logger;
}

/** One who waits for what another computes. */
interface Waiter {
  /** The flight that was seen last. */
  fence: number;
  progress: number;
  readonly onSeen: (flight: SeenCacheFlight) => void;
  readonly end: (how: FlightEnd) => void;
}

/** `over`: ask the cache again. `unshared`: what came of it is nobody else's. */
export type FlightEnd = 'over' | 'unshared';

/** How long a flight of another process may be over without being noticed here. */
const LOOK_EVERY_MS = 400;
const CLEAN_EVERY_MS = 3_600_000;

/**
 * Who computes which cache key in one organization: each is computed by one step instance of one job, whichever process runs it, and equal ones wait.
 * A claim is a lease with a fence: held as long as its process lives, taken over by one who waits when it does not, and ended in the commit that
 * records its result.
 */
export class Flights implements Disposable {
  readonly #options: FlightsOptions;
  readonly #held = new Map<string, HeldCacheFlight>();
  readonly #waiters = new Map<string, Set<Waiter>>();
  readonly #claims = new Map<string, { readonly wanted: WantedFlight; readonly done: Promise<void> }>();
  readonly #claim: (cacheKey: string) => Promise<HeldCacheFlight | undefined>;
  #looking: NodeJS.Timeout | undefined;
  #isLooking = false;
  #cleanAt = performance.now() + CLEAN_EVERY_MS;

  constructor(options: FlightsOptions) {
    this.#options = options;
    const { results, holder: owner, leaseMs } = options;
    this.#claim = gather(async (cacheKeys) => {
      const flights = cacheKeys.flatMap((cacheKey) => this.#claims.get(cacheKey)?.wanted ?? []);
      const claimed = await claimCacheFlights(results, { owner, leaseMs, flights });
      return new Map(claimed.map((flight) => [flight.cacheKey, flight]));
    });
  }

  /** The flight, where nobody holds it; of those here that want it at the same moment one is given it, and the others learn when it is known. */
  async claim(wanted: WantedFlight): Promise<HeldCacheFlight | undefined> {
    const { cacheKey } = wanted;
    const other = this.#claims.get(cacheKey);
    if (other) {
      await other.done;
      return undefined;
    }
    const { promise: done, resolve } = Promise.withResolvers<void>();
    this.#claims.set(cacheKey, { wanted, done });
    try {
      const flight = await this.#claim(cacheKey);
      if (flight) this.#held.set(cacheKey, flight);
      return flight;
    } finally {
      this.#claims.delete(cacheKey);
      resolve();
    }
  }

  /** Resolves when the flight of another has ended or lost its holder; rejects with the signal's reason. `onSeen` is told of it, and of its progress. */
  async wait(
    cacheKey: string,
    { signal, onSeen }: { readonly signal: AbortSignal; readonly onSeen: (flight: SeenCacheFlight) => void },
  ): Promise<FlightEnd> {
    signal.throwIfAborted();
    const { promise, resolve, reject } = Promise.withResolvers<FlightEnd>();
    const waiter: Waiter = { fence: 0, progress: 0, onSeen, end: resolve };
    const waiters = this.#waiters.get(cacheKey) ?? new Set();
    this.#waiters.set(cacheKey, waiters.add(waiter));
    const onAbort = () => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    void this.#look();
    this.#looking ??= setInterval(() => void this.#look(), LOOK_EVERY_MS);
    try {
      return await promise;
    } finally {
      signal.removeEventListener('abort', onAbort);
      waiters.delete(waiter);
      if (waiters.size === 0) this.#waiters.delete(cacheKey);
      if (this.#waiters.size === 0) this.#stopLooking();
    }
  }

  /** The flight has ended in the commit that recorded its result. */
  ended({ cacheKey, fence }: HeldCacheFlight): void {
    if (this.#held.get(cacheKey)?.fence === fence) this.#held.delete(cacheKey);
    if (this.#waiters.has(cacheKey)) void this.#look();
  }

  /** Nobody computes the key any more: another may. Never rejects: the lease ends it too. */
  async leave(flight: HeldCacheFlight): Promise<void> {
    await this.#end(flight, () => endCacheFlights(this.#options.results, { flights: [flight] }));
  }

  /** What was computed is a failure, or a result that is not shared: the others do not wait for one another. Never rejects. */
  async endUnshared(flight: HeldCacheFlight): Promise<void> {
    await this.#end(flight, () => endCacheFlightUnshared(this.#options.results, flight));
  }

  /** Tells those who wait. */
  async progress(flight: HeldCacheFlight, progress: number): Promise<void> {
    await noteCacheFlightProgress(this.#options.results, { ...flight, progress }).catch((error: unknown) =>
      this.#warn(error, flight.cacheKey),
    );
  }

  /** Holds all for another lease. */
  async renew(): Promise<void> {
    const { results, leaseMs } = this.#options;
    await renewCacheFlights(results, { flights: [...this.#held.values()], leaseMs });
    if (performance.now() < this.#cleanAt) return;
    this.#cleanAt = performance.now() + CLEAN_EVERY_MS;
    await deleteOldCacheFlights(results);
  }

  [Symbol.dispose](): void {
    this.#stopLooking();
  }

  async #end(flight: HeldCacheFlight, end: () => Promise<void>): Promise<void> {
    if (this.#held.get(flight.cacheKey)?.fence !== flight.fence) return;
    await end().catch((error: unknown) => this.#warn(error, flight.cacheKey));
    this.ended(flight);
  }

  async #look(): Promise<void> {
    if (this.#isLooking || this.#waiters.size === 0) return;
    this.#isLooking = true;
    const cacheKeys = [...this.#waiters.keys()];
    try {
      const flights = await listCacheFlights(this.#options.results, { cacheKeys });
      const byKey = new Map(flights.map((flight) => [flight.cache_key, flight]));
      for (const cacheKey of cacheKeys) this.#tell(cacheKey, byKey.get(cacheKey));
    } catch (error) {
      // Tried again with the next look; a job whose database stays away is broken off by its lease.
      this.#warn(error, cacheKeys[0] ?? '');
    } finally {
      this.#isLooking = false;
    }
  }

  #tell(cacheKey: string, flight: SeenCacheFlight | undefined): void {
    for (const waiter of this.#waiters.get(cacheKey) ?? []) {
      if (flight?.held) {
        const progress = flight.progress ?? 0;
        const isNews = waiter.fence !== flight.fence || progress > waiter.progress;
        waiter.fence = flight.fence;
        waiter.progress = progress;
        if (isNews) waiter.onSeen(flight);
      } else waiter.end(flight?.unshared ? 'unshared' : 'over');
    }
  }

  #stopLooking(): void {
    clearInterval(this.#looking);
    this.#looking = undefined;
  }

  #warn(err: unknown, cache_key: string): void {
    this.#options.logger.warn({ err, org_id: this.#options.orgId, cache_key }, 'a flight of the cache was not reached');
  }
}
