import { createResultCache, type MadResultCache } from '@mad/cache';
import {
  type ArtifactStore,
  type CacheIdentity,
  formatArtifactUri,
  type MetadataDatabase,
  type NewCacheEntry,
  newId,
  type OrgId,
  type ResultsDatabase,
  type StoredArtifact,
  type TaskIdentity,
} from '@mad/core';

/** Of a step that answers with numbers alone, of one that also gives a file, and of a whole job of three steps. */
export type EntryKind = 'step' | 'step with a file' | 'whole job';

export interface FillEntries {
  readonly results: ResultsDatabase;
  readonly artifacts: ArtifactStore;
  readonly metadata: MetadataDatabase;
  readonly orgId: OrgId;
  readonly kind: EntryKind;
  readonly count: number;
}

const AT_ONCE = 500;
const POSES = 9;
const TASK: TaskIdentity = {
  ...{ taskKey: 'dock', version: '1.0.0', interfaceDigest: 'a'.repeat(64), producer: `sha256:${'b'.repeat(64)}` },
  ...{
    determinism: 'seeded',
    architecture: 'linux/amd64',
    ignoredPointers: [],
    ignoredAnswerPointers: [],
    contentTypes: {},
  },
};

/** What a small docking step is asked. */
const requestOf = (kind: EntryKind, seed: number) => ({
  kind,
  ...{ smiles: 'CC(=O)Oc1ccccc1C(=O)O', center: { x: 10, y: 20.5, z: -3.25 }, size: { x: 20, y: 20, z: 20 } },
  ...{ exhaustiveness: 8, num_modes: POSES, seed },
});

/** The keys of so many entries, recorded as an executor does. */
export async function fillEntries(given: FillEntries): Promise<readonly string[]> {
  const { results, count } = given;
  await using cache = createResultCache({ artifacts: given.artifacts, metadata: given.metadata });
  const keys: string[] = [];
  for (let first = 0; first < count; first += AT_ONCE) {
    const numbers = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, n) => first + n);
    const drafts = await Promise.all(numbers.map((n) => toDraft(cache, given, n)));
    await results.transaction().execute(async (tx) => {
      const jobs = drafts.map(({ jobId }) => ({
        job_id: jobId,
        pipeline_version: 'dock@1.0.0',
        status: 'COMPLETED' as const,
      }));
      await tx.insertInto('jobs').values(jobs).execute();
      await tx
        .insertInto('task_results')
        .values(drafts.flatMap(({ rows }) => rows))
        .execute();
      await cache.record(tx, { orgId: given.orgId, entries: drafts.map(({ entry }) => entry) });
    });
    keys.push(...drafts.map(({ entry }) => entry.identity.cacheKey));
  }
  return keys;
}

async function toDraft(cache: MadResultCache, { kind, orgId, artifacts }: FillEntries, n: number) {
  const jobId = newId();
  const isWhole = kind === 'whole job';
  const file =
    kind === 'step with a file' ? await artifacts.put(orgId, `poses ${n} `.padEnd(60_000, 'ATOM')) : undefined;
  const steps = isWhole ? ['prepare', 'dock', 'report'] : ['dock'];
  const rows = steps.map((task_name) => ({
    ...{ job_id: jobId, task_name, service_name: 'vina', schema_version: '1.0.0' },
    result_data: resultOf(n, file),
  }));
  const entry: NewCacheEntry = {
    identity: await identify(cache, { orgId, n, kind }),
    ...{ pipelineVersion: 'dock@1.0.0', taskName: isWhole ? '*' : 'dock', canonicalJobId: jobId, confidenceScore: 0.8 },
    artifacts: file
      ? { '/poses': { uri: formatArtifactUri({ orgId, digest: file.digest }), sizeBytes: file.sizeBytes } }
      : {},
    ...{
      metricsSummary: { best_affinity: -9.7 },
      producer: { service_name: 'vina', schema_version: '1.0.0', task: 'dock@1.0.0' },
    },
    ...{ computeMs: 76_000, inputBytes: 170_000, ignoredAnswerPointers: [] },
  };
  return { jobId, rows, entry };
}

function identify(
  cache: MadResultCache,
  { orgId, n, kind }: { readonly orgId: OrgId; readonly n: number; readonly kind: EntryKind },
): Promise<CacheIdentity> {
  return kind === 'whole job'
    ? cache.identifyJob({
        orgId,
        spec: { steps: 3 },
        tasks: [TASK, TASK, TASK],
        inputs: {},
        parameters: requestOf(kind, n),
      })
    : cache.identifyStep({ orgId, task: TASK, request: requestOf(kind, n) });
}

function resultOf(n: number, file: StoredArtifact | undefined) {
  const scores = Array.from({ length: POSES }, (_, rank) => ({
    rank: rank + 1,
    affinity: -9.7 + rank / 10,
    rmsd_lb: rank,
    rmsd_ub: rank * 2,
  }));
  const poses = file ? { $artifact: file.digest, contentType: 'chemical/x-pdbqt', sizeBytes: file.sizeBytes } : null;
  return { n, scores, ...(poses && { poses }) };
}
