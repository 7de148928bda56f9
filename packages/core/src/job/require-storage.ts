import { QuotaExceededError } from '../errors.ts';
import type { JobQuotas } from '../ports/quotas.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { readStoredBytes } from '../results/stored-file.repository.ts';
import type { DecidedJob } from './look-up-jobs.ts';

const GIGABYTE = 1e9;

/**
 * Nothing that computes is accepted where as much is stored as may be. Asked before the jobs are written: what they will store nobody knows, and taking a
 * job in stores nothing, so that those which race here take nothing from each other.
 * @throws {QuotaExceededError}
 */
export async function requireStorage(
  results: ResultsDatabase,
  { quotas, jobs }: { readonly quotas: JobQuotas | undefined; readonly jobs: readonly DecidedJob[] },
): Promise<void> {
  const limit = quotas?.maxStorageBytes;
  const asked = jobs.filter(({ decision }) => decision.outcome !== 'hit').length;
  if (limit === undefined || asked === 0) return;
  const used = await readStoredBytes(results);
  if (used !== undefined && used >= limit)
    throw new QuotaExceededError({
      quota: 'max_storage_gb',
      limit: limit / GIGABYTE,
      used: used / GIGABYTE,
      asked,
    });
}
