import {
  type ArtifactStore,
  authorize,
  type Caller,
  checkRequest,
  forgetStoredFiles,
  inOrganization,
  listReferredDigests,
  listReferredInMetadata,
  type MetadataDatabase,
  type OrgId,
  type StoredArtifact,
  systemClock,
} from '@mad/core';
import PQueue from 'p-queue';
import { z } from 'zod';
import type { CachePlatform } from '../cache-platform.ts';
import { auditEntries } from '../entry/audit-entries.ts';

export interface CollectGarbage {
  /** Files that were stored more recently stay: their job may not have written yet what refers to them. More than the longest step takes. @default 24 h */
  readonly graceMs?: number | undefined;
  /** True: tells what would go, and deletes nothing. @default false */
  readonly dryRun?: boolean | undefined;
}

const form = z.strictObject({ graceMs: z.number().min(0).optional(), dryRun: z.boolean().optional() });

export interface CollectedGarbage {
  /** That were deleted. */
  readonly artifacts: number;
  readonly bytes: number;
  readonly kept: number;
}

const DAY_MS = 86_400_000;
const AT_ONCE = 500;
const CONCURRENCY = 16;
/** Files that are looked at once more and then deleted together: the fewer, the shorter the time in which one may be taken into use. */
const GROUP = 20;
/** Between the clock of this process and that of the database. */
const CLOCK_SLACK_MS = 60_000;

/**
 * Deletes the files of the caller's organization that nothing refers to: no job, result, log, entry, schedule, pipeline, molecule or artifact of its catalogue.
 * What looks like a digest anywhere in those rows counts as a reference. Right before files are deleted, twenty at a time, the rows are looked through that changed
 * since it began, and their ages asked for again: what was taken into use or put again meanwhile stays. What is left is the time from
 * that look to the deletion, milliseconds unless there are millions of jobs: an old file that nothing referred to, and that is taken into use then, is gone and has to be
 * put once more. It may run beside everything else.
 * @throws {PermissionDeniedError} without `cache.manage`
 * @throws {ValidationFailedError} for a grace below 0
 */
export async function collectGarbage(
  platform: CachePlatform,
  caller: Caller,
  request: CollectGarbage = {},
): Promise<CollectedGarbage> {
  authorize(caller, 'cache.manage');
  checkRequest(form, { subject: 'collection', value: request });
  const { graceMs = DAY_MS, dryRun = false } = request;
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
  const collect = async (group: readonly StoredArtifact[]): Promise<void> => {
    const [old, ...referredNow] = await Promise.all([
      keepOld(scope, group),
      listReferredDigests(results, { since }),
      ofMetadata(metadata, orgId, since),
    ]);
    const inUse = new Set(referredNow.flat());
    const garbage = old.filter(({ digest }) => !inUse.has(digest));
    if (!dryRun) {
      // First: what is killed between the two is deleted by the next collection, and nothing else would stop counting it.
      await forgetStoredFiles(results, { digests: garbage.map(({ digest }) => digest) });
      await Promise.all(garbage.map(({ digest }) => artifacts.delete(orgId, digest)));
    }
    gone.artifacts += garbage.length;
    gone.bytes += garbage.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
  };
  const settle = async (): Promise<void> => {
    const old = await keepOld(scope, batch);
    batch = [];
    for (let at = 0; at < old.length; at += GROUP) await collect(old.slice(at, at + GROUP));
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
