import {
  type ArtifactStore,
  type Caller,
  inOrganization,
  listReferredDigests,
  listReferredInMetadata,
  type MetadataDatabase,
  type OrgId,
  requirePermission,
  type StoredArtifact,
  systemClock,
  ValidationFailedError,
} from '@mad/core';
import PQueue from 'p-queue';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from '../entry/audit-entries.ts';

export interface CollectGarbage {
  /** Files that were stored more recently stay: their job may not have written yet what refers to them. More than the longest step takes. @default 24 h */
  readonly graceMs?: number | undefined;
  /** True: tells what would go, and deletes nothing. @default false */
  readonly dryRun?: boolean | undefined;
}

export interface CollectedGarbage {
  /** That were deleted. */
  readonly artifacts: number;
  readonly bytes: number;
  readonly kept: number;
}

const DAY_MS = 86_400_000;
const AT_ONCE = 500;
const CONCURRENCY = 16;
/** Between the clock of this process and that of the database. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Deletes the files of the caller's organization that nothing refers to: no job, result, log, entry, schedule, pipeline, molecule or artifact of its catalogue.
 * What looks like a digest anywhere in those rows counts as a reference. Right before each batch is deleted the rows are looked through that changed since it
 * began: what is referred to meanwhile stays. It may run beside everything else; a file that is put again while it is deleted may have to be put once more.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} for a grace below 0
 */
export async function collectGarbage(
  platform: CachePlatform,
  caller: Caller,
  { graceMs = DAY_MS, dryRun = false }: CollectGarbage = {},
): Promise<CollectedGarbage> {
  requirePermission(caller, 'cache.manage');
  if (!(Number.isFinite(graceMs) && graceMs >= 0))
    throw new ValidationFailedError({
      subject: 'collection',
      issues: [{ pointer: '/graceMs', message: 'expected milliseconds, 0 or more' }],
    });
  const { artifacts, metadata } = platform;
  const { orgId } = caller;
  const results = await platform.results.get(orgId);
  const startedAt = systemClock.now();
  const since = new Date(startedAt.getTime() - CLOCK_SLACK_MS);
  const referred = new Set([...(await listReferredDigests(results)), ...(await ofMetadata(metadata, orgId))]);
  const scope = { artifacts, orgId, storedBefore: startedAt.getTime() - graceMs };
  const gone = { artifacts: 0, bytes: 0 };
  let seen = 0;
  let batch: StoredArtifact[] = [];
  const settle = async (): Promise<void> => {
    const old = await keepOld(scope, batch);
    batch = [];
    if (old.length === 0) return;
    const now = new Set([
      ...(await listReferredDigests(results, { since })),
      ...(await ofMetadata(metadata, orgId, since)),
    ]);
    for (const { digest, sizeBytes } of old) {
      if (now.has(digest)) continue;
      if (!dryRun) await artifacts.delete(orgId, digest);
      gone.artifacts++;
      gone.bytes += sizeBytes;
    }
  };
  for await (const artifact of artifacts.list(orgId)) {
    seen++;
    if (!referred.has(artifact.digest)) batch.push(artifact);
    if (batch.length >= AT_ONCE) await settle();
  }
  await settle();
  if (!dryRun)
    await auditEntries({ metadata }, caller, { action: 'cache.collect', metadata: { ...gone, grace_ms: graceMs } });
  return { ...gone, kept: seen - gone.artifacts };
}

/** Those that are out of their grace; where the store cannot tell when it was given a file, the file stays. */
async function keepOld(
  {
    artifacts,
    orgId,
    storedBefore,
  }: { readonly artifacts: ArtifactStore; readonly orgId: OrgId; readonly storedBefore: number },
  batch: readonly StoredArtifact[],
): Promise<readonly StoredArtifact[]> {
  const found = await new PQueue({ concurrency: CONCURRENCY }).addAll(
    batch.map(
      ({ digest }) =>
        () =>
          artifacts.head(orgId, digest),
    ),
  );
  return found.flatMap((file) => (file?.storedAt && file.storedAt.getTime() <= storedBefore ? [file] : []));
}

function ofMetadata(metadata: MetadataDatabase, orgId: OrgId, since?: Date): Promise<readonly string[]> {
  return inOrganization(metadata, orgId, (tx) => listReferredInMetadata(tx, { since }));
}
