import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createResultCache } from '@mad/cache';
import {
  type ArtifactStore,
  type Caller,
  createInProcessQueue,
  createLocalArtifactStore,
  Executor,
  findCacheEntries,
  migrateMetadata,
  openMetadataDatabase,
  type Platform,
  publishPipeline,
  type SubmittedJob,
  submitJob,
  waitForJob,
} from '@mad/core';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import { createTaskService, defineOperation } from '@mad/tasks/service';
import { type Clusters, createResultsDatabases, provisionOrganization } from '@mad/tenancy';
import { createPostgresDatabase } from '@mad/testkit';
import { z } from 'zod';

/** An organization that has computed and been served, as a host runs it. */
export interface CachedOrganization extends AsyncDisposable {
  readonly orgId: string;
  readonly artifacts: ArtifactStore;
  readonly folder: string;
  /** Of `mad cache`, for this organization. */
  readonly flags: readonly string[];
  /** Submits a job and waits for its end. */
  run(parameters: { readonly smiles: string; readonly seed: number }): Promise<SubmittedJob>;
  /** An entry is there as often as told under other keys with the same first eight digits, until this is disposed. `keys` are theirs and its own, in order. */
  addTwins(cacheKey: string, count: number): Promise<AsyncDisposable & { readonly keys: readonly string[] }>;
  /** Resolves when the hits so far are counted. */
  flush(): Promise<void>;
}

const dock = defineOperation({
  taskKey: 'dock',
  version: '1.0.0',
  title: 'Dock',
  description: 'Writes a file that its request tells.',
  determinism: 'exact',
  producer: 'dock 1.0.0',
  request: z.object({ smiles: z.string(), seed: z.int() }),
  response: z.object({
    affinity: z.number(),
    poses: z.string().meta({ contentEncoding: 'base64', contentMediaType: 'chemical/x-pdbqt' }),
  }),
  run: ({ smiles, seed }) => ({ affinity: -seed, poses: Buffer.from(`${smiles} ${seed}\n`).toString('base64') }),
});

export async function openCachedOrganization(): Promise<CachedOrganization> {
  await using made = new AsyncDisposableStack();
  const database = made.use(await createPostgresDatabase());
  await migrateMetadata(database.db);
  const metadata = await openMetadataDatabase(database.db, { allowPrivileged: true });
  const clusters: Clusters = { main: { kind: 'postgres', connect: () => ({ connectionString: database.url }) } };
  const { orgId } = await provisionOrganization(
    { metadata, clusters },
    { name: 'acme', placement: 'schema', cluster: 'main' },
  );
  const folder = await mkdtemp(join(tmpdir(), 'mad-cli-cache-'));
  made.defer(() => rm(folder, { recursive: true }));
  const artifacts = createLocalArtifactStore({ folder });
  const service = createTaskService({ operations: [dock] });
  const { url } = await service.listen();
  made.defer(() => service.close({ graceMs: 0 }));
  const results = made.use(createResultsDatabases({ metadata, clusters }));
  const tasks = made.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [url] }));
  const cache = made.use(createResultCache({ artifacts, metadata }));
  const platform: Platform = { metadata, results, artifacts, tasks, cache, queue: createInProcessQueue() };
  const permissions = new Set(['job.create', 'job.view', 'pipeline.create', 'task.define', 'task.update']);
  const caller: Caller = { orgId, userId: null, permissions };
  const { task_definition_id: taskDefinitionId } = await registerTask(metadata, caller, { document: dock.document });
  await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${url}/dock` });
  await publishPipeline(platform, caller, {
    name: 'docking',
    version: '1.0.0',
    spec: {
      version: 1,
      parameters: {
        type: 'object',
        properties: { smiles: { type: 'string' }, seed: { type: 'integer' } },
        required: ['smiles', 'seed'],
      },
      tasks: [
        {
          name: 'dock',
          task: 'dock@^1',
          inputs: { smiles: { from: '/parameters/smiles' }, seed: { from: '/parameters/seed' } },
        },
      ],
      outputs: { poses: { from: '/steps/dock/output/poses' } },
    },
  });
  made.use(new Executor(platform)).start();
  const stack = made.move();
  return {
    ...{ orgId, artifacts, folder },
    flags: ['--url', database.url, '--cluster', `main=${database.url}`, '--org', orgId, '--artifacts', folder],
    async run(parameters) {
      const job = await submitJob(platform, caller, { pipeline: 'docking', parameters });
      await waitForJob(platform, caller, { jobId: job.jobId });
      return job;
    },
    async addTwins(cacheKey, count) {
      const db = await results.get(orgId);
      const entries = await findCacheEntries(db, { cacheKeys: [cacheKey] });
      const twins = Array.from({ length: count }, (_, n) => `${cacheKey.slice(0, 8)}${String(n).repeat(56)}`);
      const rows = twins.flatMap((cache_key) => entries.map((entry) => ({ ...entry, cache_key })));
      await db.insertInto('result_cache').values(rows).execute();
      return {
        keys: [...twins, cacheKey].sort(),
        async [Symbol.asyncDispose]() {
          await db.deleteFrom('result_cache').where('cache_key', 'in', twins).execute();
        },
      };
    },
    flush: () => cache.flush(),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
