import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResultCache, type MadResultCache, type ResultCacheOptions } from '@mad/cache';
import {
  type Caller,
  createInProcessQueue,
  createLocalArtifactStore,
  Executor,
  inAllOrganizations,
  insertOrganization,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  openResultsDatabase,
  type PipelineSpecInput,
  type Platform,
  publishPipeline,
  type ResultsDatabase,
  type SubmitJob,
  submitJob,
  waitForJob,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { createVariableTasks, type VariableTasks } from './variable-tasks.ts';

const ORG_ID = '0195d0c0-0000-7000-8000-0000000000e4';
const SCHEMA = 'org_explain';

export const caller: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(['job.create', 'job.view', 'job.results.view', 'pipeline.create', 'cache.view', 'cache.manage']),
};

export interface ExplainedPlatform extends AsyncDisposable {
  readonly platform: Platform & { readonly cache: MadResultCache };
  readonly results: ResultsDatabase;
  readonly tasks: VariableTasks;
  /** The same platform with another cache over the same entries. */
  withCache(options: Partial<ResultCacheOptions>): Platform;
  publish(version: string, spec: PipelineSpecInput): Promise<void>;
  /** Submits and waits until it is over; on this platform or on one of `withCache`. */
  run(request: Omit<SubmitJob, 'pipeline'>, on?: Platform): Promise<string>;
}

/** Both databases in one on the real server, an executor, and tasks that answer in this process. */
export async function openExplainedPlatform(): Promise<ExplainedPlatform> {
  const stack = new AsyncDisposableStack();
  const { db } = stack.use(await createPostgresDatabase({ name: 'explained_platform', fill }));
  const folder = await mkdtemp(join(tmpdir(), 'mad-explain-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const metadata = db as unknown as MetadataDatabase;
  const results = openResultsDatabase(db, { schema: SCHEMA });
  const artifacts = createLocalArtifactStore({ folder });
  const tasks = createVariableTasks();
  const open = (options: Partial<ResultCacheOptions>) => {
    const cache = stack.use(createResultCache({ artifacts, metadata, ...options }));
    const queue = createInProcessQueue();
    const platform = { metadata, artifacts, tasks, queue, cache, results: { get: async () => results } };
    const executor = stack.use(new Executor(platform, { recoverEveryMs: 600_000, leaseMs: 600_000 }));
    executor.start();
    return platform;
  };
  const platform = open({});
  return {
    ...{ platform, results, tasks },
    withCache: open,
    async publish(version, spec) {
      await publishPipeline(platform, caller, { name: 'docking', version, spec });
    },
    async run(request, on = platform) {
      const { jobId } = await submitJob(on, caller, { pipeline: 'docking', ...request });
      const status = await waitForJob(on, caller, { jobId });
      if (status !== 'COMPLETED') throw new TypeError(`expected job ${jobId} to be COMPLETED, it is ${status}`);
      return jobId;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function fill(db: Kysely<unknown>): Promise<void> {
  await migrateMetadata(db);
  await migrateResults(db, { schema: SCHEMA, orgId: ORG_ID });
  await inAllOrganizations(db as unknown as MetadataDatabase, (tx) =>
    insertOrganization(tx, { org_id: ORG_ID, name: 'explain', status: 'active' }),
  );
}
