import {
  authorize,
  type Caller,
  checkRequest,
  type DamagedEntry,
  listUnverifiedKeys,
  lookUpEntries,
  noteVerified,
  readResultsTime,
  silentLogger,
  systemClock,
} from '@mad/core';
import { z } from 'zod';
import { ProvenFiles } from '../artifacts/proven-files.ts';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from './audit-entries.ts';
import { verifyEntry } from './decide.ts';
import { quarantine } from './quarantine.ts';
import { atMost } from './request-forms.ts';
import { createSealer } from './seal.ts';

export interface VerifyEntries {
  /** How many, those first whose verification is the longest ago. @default all */
  readonly limit?: number | undefined;
  /** False: of files only size and version are looked at. @default true: every file is read */
  readonly rehash?: boolean | undefined;
  /** That of the cache. Without the right one the seals say nothing, and rows and files alone are verified. */
  readonly secret?: string | undefined;
  readonly onProgress?: ((progress: { readonly checked: number; readonly quarantined: number }) => void) | undefined;
}

const form = z.strictObject({
  limit: atMost(Number.MAX_SAFE_INTEGER).optional(),
  rehash: z.boolean().optional(),
  secret: z.string().optional(),
  onProgress: z.custom((value) => typeof value === 'function', 'expected a function').optional(),
});

export interface VerifiedEntries {
  readonly checked: number;
  /** Those that were taken out of service. */
  readonly quarantined: readonly { readonly cacheKey: string; readonly reason: string }[];
  /** Sealed under another secret than was given: of those rows and files alone were verified. */
  readonly foreign: number;
}

const AT_ONCE = 500;

/**
 * Holds entries in service against their seal, the rows that they serve and their files, and takes the damaged ones out of service. What the store cannot tell now
 * is left as it is. It may run beside everything else, and be broken off at any time.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} for a limit below 1
 */
export async function verifyEntries(
  { results, metadata, artifacts, logger = silentLogger }: CachePlatform,
  caller: Caller,
  request: VerifyEntries = {},
): Promise<VerifiedEntries> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'verification', value: request });
  const { limit = Number.MAX_SAFE_INTEGER, rehash = true, secret, onProgress } = request;
  const { orgId } = caller;
  const db = await results.get(orgId);
  const files = new ProvenFiles({ artifacts, rehashRate: 0, clock: systemClock, logger });
  const verifier = { sealer: createSealer(secret), files, readsFiles: rehash, trustsForeign: true };
  const before = await readResultsTime(db);
  const quarantined: { cacheKey: string; reason: string }[] = [];
  let checked = 0;
  let foreign = 0;
  while (checked < limit) {
    const cacheKeys = await listUnverifiedKeys(db, { before, limit: Math.min(AT_ONCE, limit - checked) });
    if (cacheKeys.length === 0) break;
    const entries = await lookUpEntries(db, { cacheKeys });
    const served = entries.filter(({ invalidated }) => invalidated === null);
    foreign += served.filter((entry) => verifier.sealer.judge(orgId, entry) === 'foreign').length;
    const found = await Promise.all(served.map((entry) => verifyEntry(verifier, { orgId, entry })));
    const damaged = found.flatMap(({ damage }): readonly DamagedEntry[] => (damage ? [damage] : []));
    const taken =
      damaged.length === 0
        ? new Set<string>()
        : await quarantine({ metadata, logger }, { orgId, results: db, damaged });
    for (const { cacheKey, reason } of damaged) if (taken.has(cacheKey)) quarantined.push({ cacheKey, reason });
    await noteVerified(db, { cacheKeys });
    checked += cacheKeys.length;
    onProgress?.({ checked, quarantined: quarantined.length });
  }
  await auditEntries({ metadata }, caller, {
    action: 'cache.verify',
    metadata: { checked, quarantined: quarantined.length, rehash },
  });
  return { checked, quarantined, foreign };
}
