import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResultCache, type MadResultCache } from '@mad/cache';
import {
  type CacheIdentity,
  createLocalArtifactStore,
  formatArtifactUri,
  inAllOrganizations,
  insertOrganization,
  type JsonObject,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  type NewCacheEntry,
  newId,
  type OrgId,
  openMetadataDatabase,
  openResultsDatabase,
  type ResultsDatabase,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';

/** An entry as it was recorded. */
export interface RecordedEntry {
  readonly cacheKey: string;
  readonly jobId: string;
  readonly isWhole: boolean;
  /** Path of its file. */
  readonly file: string;
  readonly resultData: JsonObject;
}

export interface FilledCache extends AsyncDisposable {
  readonly orgId: OrgId;
  readonly results: ResultsDatabase;
  readonly metadata: MetadataDatabase;
  readonly entries: readonly RecordedEntry[];
  /** A cache as another process would have it: it has seen nothing yet. */
  openCache(): MadResultCache;
}

const AT_ONCE = 500;
/** Every so many an entry is that of a whole job. */
const WHOLE_EVERY = 4;
const FILE_BYTES = 1_000;

/** Databases on the real server, a folder, and so many entries, each with a job, an answer and a file of its own. */
export async function fillCache(count: number): Promise<FilledCache> {
  const [resultsDatabase, metadataDatabase] = await Promise.all([createPostgresDatabase(), createPostgresDatabase()]);
  await migrateResults(resultsDatabase.db);
  await migrateMetadata(metadataDatabase.db);
  const results = openResultsDatabase(resultsDatabase.db, { schema: 'public' });
  const metadata = await openMetadataDatabase(metadataDatabase.db, { allowPrivileged: true });
  const orgId = newId();
  await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { org_id: orgId, name: 'corruption' }));
  const folder = await mkdtemp(join(tmpdir(), 'mad-corruption-'));
  const artifacts = createLocalArtifactStore({ folder });
  const openCache = () =>
    createResultCache({ artifacts, metadata, secret: 'a secret of this check, thirty-two bytes', rehashRate: 0 });
  const cache = openCache();
  const entries: RecordedEntry[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, n) => first + n);
    const drafts = await Promise.all(
      numbers.map(async (n) => {
        const { digest, sizeBytes } = await artifacts.put(orgId, `pose ${n} `.padEnd(FILE_BYTES, 'ATOM'));
        const draft = await toDraft(cache, { orgId, n, artifact: { digest, sizeBytes } });
        return { ...draft, file: join(folder, orgId, 'sha256', digest.slice(0, 2), digest) };
      }),
    );
    await results.transaction().execute(async (tx) => {
      await tx
        .insertInto('jobs')
        .values(
          drafts.map(({ jobId }) => ({ job_id: jobId, pipeline_version: 'dock@1.0.0', status: 'COMPLETED' as const })),
        )
        .execute();
      await tx
        .insertInto('task_results')
        .values(
          drafts.map(({ jobId, resultData }) => ({
            job_id: jobId,
            task_name: 'dock',
            service_name: 'vina',
            result_data: resultData,
          })),
        )
        .execute();
      await tx
        .insertInto('job_outputs')
        .values(
          drafts.map(({ jobId, entry }) => ({ job_id: jobId, key: 'poses', uri: entry.artifacts.poses?.uri ?? '' })),
        )
        .execute();
      await tx
        .insertInto('docking_results')
        .values(drafts.map(({ jobId }) => ({ job_id: jobId, pose_rank: 1, affinity: -9.7 })))
        .execute();
      await cache.record(tx, { orgId, entries: drafts.map(({ entry }) => entry) });
    });
    entries.push(...drafts);
  }
  return {
    ...{ orgId, results, metadata, entries, openCache },
    async [Symbol.asyncDispose]() {
      await Promise.all([resultsDatabase[Symbol.asyncDispose](), metadataDatabase[Symbol.asyncDispose]()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function toDraft(
  cache: MadResultCache,
  {
    orgId,
    n,
    artifact,
  }: {
    readonly orgId: OrgId;
    readonly n: number;
    readonly artifact: { readonly digest: string; readonly sizeBytes: number };
  },
) {
  const task = {
    ...{
      taskKey: 'dock',
      version: '1.0.0',
      interfaceDigest: 'a'.repeat(64),
      producer: 'sha256:vina',
      determinism: 'seeded' as const,
    },
    ...{ architecture: null, ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
  };
  const isWhole = n % WHOLE_EVERY === 0;
  const identity: CacheIdentity = isWhole
    ? await cache.identifyJob({ orgId, spec: {}, tasks: [task], inputs: {}, parameters: { n } })
    : await cache.identifyStep({ orgId, task, request: { n } });
  const jobId = newId();
  const resultData = {
    n,
    poses: { $artifact: artifact.digest, contentType: 'chemical/x-pdbqt', sizeBytes: artifact.sizeBytes },
  };
  const entry: NewCacheEntry = {
    identity,
    ...{ pipelineVersion: 'dock@1.0.0', taskName: isWhole ? '*' : 'dock', canonicalJobId: jobId, confidenceScore: 0.5 },
    artifacts: { poses: { uri: formatArtifactUri({ orgId, digest: artifact.digest }), sizeBytes: artifact.sizeBytes } },
    ...{
      metricsSummary: {},
      producer: { service_name: 'vina' },
      computeMs: 1_000,
      inputBytes: 0,
      ignoredAnswerPointers: [],
    },
  };
  return { cacheKey: identity.cacheKey, jobId, isWhole, resultData, entry };
}
