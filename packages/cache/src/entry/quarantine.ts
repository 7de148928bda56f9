import {
  type DamagedEntry,
  inOrganization,
  insertAuditLog,
  type Logger,
  type MetadataDatabase,
  type OrgId,
  quarantineEntries,
  type ResultsDatabase,
} from '@mad/core';

export interface Quarantine {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly damaged: readonly DamagedEntry[];
}

/**
 * Takes damaged entries out of service: `cache_events`, the audit trail and the log each tell it once, however many find the damage at the same time.
 * Returns the keys of those it took out. Nothing of it reaches who asked the cache: what cannot be written now is found again at the next look-up.
 */
export async function quarantine(
  { metadata, logger }: { readonly metadata: MetadataDatabase; readonly logger: Logger },
  { orgId, results, damaged }: Quarantine,
): Promise<ReadonlySet<string>> {
  try {
    const done = await quarantineEntries(results, { damaged });
    const taken = damaged.filter(({ cacheKey }) => done.has(cacheKey));
    for (const { cacheKey, reason, metadata } of taken)
      logger.warn(
        { org_id: orgId, cache_key: cacheKey, reason, ...metadata },
        'a cached result is damaged and is no longer served',
      );
    if (taken.length > 0) await audit(metadata, orgId, taken);
    return done;
  } catch (err) {
    logger.error(
      { err, org_id: orgId, entries: damaged.length },
      'damaged entries of the cache could not be put into quarantine',
    );
    return new Set();
  }
}

function audit(metadata: MetadataDatabase, orgId: OrgId, taken: readonly DamagedEntry[]): Promise<unknown> {
  return inOrganization(metadata, orgId, (tx) =>
    Promise.all(
      taken.map(({ cacheKey, reason, metadata }) =>
        insertAuditLog(tx, {
          user_id: null,
          action: 'cache.quarantine',
          entity_type: 'cache_entry',
          entity_id: cacheKey,
          metadata: { reason, ...metadata },
        }),
      ),
    ),
  );
}
