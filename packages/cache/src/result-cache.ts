import {
  type Clock,
  checkRequest,
  gather,
  type Logger,
  type LookedUpEntry,
  lookUpEntries,
  type MetadataDatabase,
  type ResultCache,
  type ResultsDatabase,
  silentLogger,
  systemClock,
} from '@mad/core';
import { z } from 'zod';
import { ProvenFiles } from './artifacts/proven-files.ts';
import { type Decide, decide } from './entry/decide.ts';
import { HitCounter } from './entry/hit-counter.ts';
import { quarantine } from './entry/quarantine.ts';
import { recordResults } from './entry/record-results.ts';
import { createSealer } from './entry/seal.ts';
import { createSigner, type SignerOptions } from './signature/signer.ts';

/** Where the results' files are, what is promised of an entry, and for how long. */
export interface ResultCacheOptions extends SignerOptions {
  /** Its audit trail tells of entries that were found to be damaged. */
  readonly metadata: MetadataDatabase;
  /**
   * What entries are sealed with, a key for each organization derived from it: at least 32 random bytes as text, the same for all processes. A new one leaves the
   * entries of the old one unserved. Absent: a seal shows damage, but not what somebody who can write to the database has forged.
   */
  readonly secret?: string | undefined;
  /** Entries scored lower, or not scored, are served only to who asks for less. @default none: any confidence */
  readonly minConfidence?: number | undefined;
  /** Entries older than this are not served. @default they do not age */
  readonly maxAgeMs?: number | undefined;
  /** Entries that nobody used for so long are not served; never beyond `maxAgeMs`. @default use does not matter */
  readonly slidingMs?: number | undefined;
  /** Share of the checks that read a file although nothing speaks for a change, 0..1. @default 0.01 */
  readonly rehashRate?: number | undefined;
  /** Share of the hits whose result is computed again and compared by `rerunSampled`, 0..1. @default 0 */
  readonly verifyRate?: number | undefined;
  /** Whether files are settled, and how long a fault of their store is remembered. What has expired the database's clock tells. @default systemClock */
  readonly clock?: Clock | undefined;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

const share = z.number().min(0).max(1).optional();
const duration = z.number().positive().optional();
const given = z.any().optional();
// A misspelt limit that was passed over would be none.
const form = z.strictObject({
  ...{ minConfidence: share, rehashRate: share, verifyRate: share, maxAgeMs: duration, slidingMs: duration },
  secret: z.string().min(1, 'expected at least 32 random bytes as text, or no secret at all').optional(),
  ...{ salt: z.string().optional(), normalizers: given },
  ...{ artifacts: z.any(), metadata: z.any(), clock: given, logger: given },
});

/** The result cache of this package. Disposing it writes the hits that are not counted yet. */
export interface MadResultCache extends ResultCache, AsyncDisposable {
  /** Resolves when the hits so far are counted. */
  flush(): Promise<void>;
}

/**
 * Remembers results by the digest of what was asked. An entry is served only if it is neither invalidated, expired nor below the caller's confidence, its seal is
 * sound, the rows that it serves have the digest that was sealed, and every file it names has its size and its digest; one that fails is quarantined and never
 * served again. Results of tasks that are not repeatable are served only on request. A new result replaces an entry only with better confidence, or when the entry
 * can no longer be served; one that differs from a repeatable entry puts both out of service. Failures have no entry: only a committed result is recorded.
 * @throws {ValidationFailedError} for options that do not exist, shares outside 0..1, an empty secret
 */
export function createResultCache(options: ResultCacheOptions): MadResultCache {
  checkRequest(form, { subject: 'options of the result cache', value: options });
  const { artifacts, metadata, secret, salt, normalizers, minConfidence, maxAgeMs, slidingMs } = options;
  const { rehashRate = 0.01, verifyRate = 0, clock = systemClock, logger = silentLogger } = options;
  const sealer = createSealer(secret);
  const verifier = { sealer, files: new ProvenFiles({ artifacts, rehashRate, clock, logger }) };
  const hits = new HitCounter({ logger, maxAgeMs, verifyRate });
  const gathered = new WeakMap<ResultsDatabase, (key: string) => Promise<LookedUpEntry | undefined>>();

  function finder(results: ResultsDatabase): (key: string) => Promise<LookedUpEntry | undefined> {
    const known = gathered.get(results);
    if (known) return known;
    const made = gather((cacheKeys) => lookUp(results, cacheKeys));
    gathered.set(results, made);
    return made;
  }

  async function answer(results: ResultsDatabase, given: Omit<Decide, 'minConfidence'>, peek: boolean | undefined) {
    const { decisions, damaged } = await decide(verifier, { ...given, minConfidence });
    if (damaged.length > 0) await quarantine({ metadata, logger }, { orgId: given.orgId, results, damaged });
    if (!peek) {
      given.questions.forEach(({ cacheKey }, index) => {
        if (decisions[index]?.outcome === 'hit') hits.count(results, cacheKey);
      });
    }
    return decisions;
  }

  return {
    minConfidence,
    ...createSigner({ artifacts, salt, normalizers }),
    async find(results, { orgId, peek, ...question }) {
      const { cacheKey } = question;
      const entry = await finder(results)(cacheKey);
      const entries = entry ? new Map([[cacheKey, entry]]) : new Map<string, LookedUpEntry>();
      const [decision] = await answer(results, { orgId, questions: [question], entries }, peek);
      return decision ?? { outcome: 'miss', reason: 'no_entry' };
    },
    async findMany(results, { orgId, questions, peek }) {
      const entries = await lookUp(results, [...new Set(questions.map(({ cacheKey }) => cacheKey))]);
      return answer(results, { orgId, questions, entries }, peek);
    },
    record: (tx, given) => recordResults({ sealer, logger, maxAgeMs, slidingMs }, tx, given),
    flush: () => hits.flush(),
    [Symbol.asyncDispose]: () => hits.flush(),
  };
}

async function lookUp(
  results: ResultsDatabase,
  cacheKeys: readonly string[],
): Promise<ReadonlyMap<string, LookedUpEntry>> {
  const rows = await lookUpEntries(results, { cacheKeys });
  return new Map(rows.map((row) => [row.cache_key, row]));
}
