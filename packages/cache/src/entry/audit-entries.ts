import { type Caller, inOrganization, type JsonObject, recordAudit } from '@mad/core';
import type { CachePlatform } from '../cache-platform.ts';

/** What a caller did to the cache. */
export interface AuditedAct {
  /** `cache.pin`, `cache.invalidate` … */
  readonly action: string;
  /** Absent: many entries, told by the metadata. */
  readonly cacheKey?: string | undefined;
  readonly metadata: JsonObject;
}

export async function auditEntries(
  { metadata: db }: Pick<CachePlatform, 'metadata'>,
  caller: Caller,
  { action, cacheKey, metadata: facts }: AuditedAct,
): Promise<void> {
  const change = { action, entityType: 'cache_entry', entityId: cacheKey ?? null, facts };
  await inOrganization(db, caller.orgId, (tx) => recordAudit(tx, caller, change));
}
