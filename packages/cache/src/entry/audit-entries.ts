import { type Caller, inOrganization, insertAuditLog, type JsonObject } from '@mad/core';
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
  { orgId, userId }: Caller,
  { action, cacheKey, metadata }: AuditedAct,
): Promise<void> {
  const entry = { user_id: userId, action, entity_type: 'cache_entry', entity_id: cacheKey ?? null, metadata };
  await inOrganization(db, orgId, (tx) => insertAuditLog(tx, entry));
}
