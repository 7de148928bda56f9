import { type CountedHits, countHits, type Logger, type ResultsDatabase } from '@mad/core';

export interface HitCounterOptions {
  readonly logger: Logger;
  readonly maxAgeMs: number | undefined;
  /** Share of the hits whose results are to be computed again. */
  readonly verifyRate: number;
}

/** Not written yet. */
type Counted = { -readonly [Name in keyof CountedHits]: CountedHits[Name] };

const FLUSH_EVERY_MS = 1_000;
/** Keys of one organization that wait to be written; more are written at once. */
const MOST_WAITING = 10_000;
/** Keys that are being written, all organizations together; a database that takes no more loses the rest. */
const MOST_UNDER_WAY = 100_000;

/**
 * Counts hits off their path: in memory, written about once a second, one statement an organization. A write that fails loses its counts, and tells the
 * log alone: they decide what is evicted first, and nothing else.
 */
export class HitCounter {
  readonly #options: HitCounterOptions;
  #waiting = new Map<ResultsDatabase, Map<string, Counted>>();
  #flushing: Promise<void> = Promise.resolve();
  #timer: NodeJS.Timeout | undefined;
  #underWay = 0;

  constructor(options: HitCounterOptions) {
    this.#options = options;
  }

  count(results: ResultsDatabase, cacheKey: string): void {
    let keys = this.#waiting.get(results);
    if (!keys) {
      keys = new Map();
      this.#waiting.set(results, keys);
    }
    let counted = keys.get(cacheKey);
    if (!counted) {
      counted = { cacheKey, hits: 0, rerun: false };
      keys.set(cacheKey, counted);
    }
    counted.hits++;
    const { verifyRate } = this.#options;
    if (verifyRate > 0 && Math.random() < verifyRate) counted.rerun = true;
    if (keys.size >= MOST_WAITING) void this.flush();
    this.#timer ??= setTimeout(() => void this.flush(), FLUSH_EVERY_MS).unref();
  }

  /** Resolves when all that was counted before is written, or lost. */
  flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const waiting = this.#waiting;
    this.#waiting = new Map();
    for (const [results, keys] of waiting) {
      if (this.#underWay + keys.size > MOST_UNDER_WAY) continue;
      this.#underWay += keys.size;
      this.#flushing = this.#flushing.then(() => this.#write(results, [...keys.values()]));
    }
    return this.#flushing;
  }

  async #write(results: ResultsDatabase, counted: readonly CountedHits[]): Promise<void> {
    try {
      await countHits(results, { counted, maxAgeMs: this.#options.maxAgeMs });
    } catch (err) {
      this.#options.logger.warn({ err, entries: counted.length }, 'hits of the cache could not be counted');
    } finally {
      this.#underWay -= counted.length;
    }
  }
}
