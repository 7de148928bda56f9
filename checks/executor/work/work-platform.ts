import { createResultCache } from '@mad/cache';
import {
  type ArtifactStore,
  type Caller,
  connectPostgres,
  createInProcessQueue,
  createLocalArtifactStore,
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  type Logger,
  listTaskDefinitions,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  openMetadataDatabase,
  openResultsDatabase,
  type Platform,
  publishPipeline,
  type ResultsDatabase,
  silentLogger,
} from '@mad/core';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import type { DatabaseTemplate } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { specOf, WORK_GRAPHS } from './work-graphs.ts';
import { work } from './work-service.ts';

export const ORG_ID = '0195d0c0-0000-7000-8000-0000000000c0';
const SCHEMA = 'org_check';

export const caller: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set([
    ...['job.create', 'job.view', 'job.cancel', 'job.results.view'],
    ...['pipeline.create', 'task.define', 'task.update'],
  ]),
};

export interface WorkPlatformOptions {
  readonly url: string;
  readonly serviceUrl: string;
  /** Of the artifacts. */
  readonly folder: string;
  readonly cached: boolean;
  readonly connections?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Stands between the executor and the files. */
  readonly around?: ((artifacts: ArtifactStore) => ArtifactStore) | undefined;
}

export interface WorkPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly metadata: MetadataDatabase;
  readonly results: ResultsDatabase;
}

/** The packages wired together as a host does it, on pools of this process. */
export async function openWorkPlatform(options: WorkPlatformOptions): Promise<WorkPlatform> {
  const { url: connectionString, connections: max = 4, logger = silentLogger, around } = options;
  const stack = new AsyncDisposableStack();
  const [metadataPool, resultsPool] = [0, 1].map(() =>
    stack.adopt(connectPostgres({ connectionString, max }, { logger }), (db) => db.destroy()),
  ) as [Kysely<unknown>, Kysely<unknown>];
  const metadata = await openMetadataDatabase(metadataPool, { allowPrivileged: true });
  const results = openResultsDatabase(resultsPool, { schema: SCHEMA });
  const store = createLocalArtifactStore({ folder: options.folder });
  const artifacts = around?.(store) ?? store;
  const allowedOrigins = [options.serviceUrl];
  const tasks = stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins, logger }));
  const cache = options.cached ? stack.use(createResultCache({ artifacts, metadata, logger })) : undefined;
  const queue = createInProcessQueue({ logger });
  const platform: Platform = {
    ...{ metadata, artifacts, tasks, cache, queue, logger },
    results: { get: async () => results },
  };
  return { platform, metadata, results, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

/** Both databases in one, an organization, the task `work`, and a published pipeline for every graph. */
export const workDatabase: DatabaseTemplate<unknown> = {
  name: 'checks_work',
  async fill(db) {
    await migrateMetadata(db);
    await migrateResults(db, { schema: SCHEMA, orgId: ORG_ID });
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    await inAllOrganizations(metadata, (tx) =>
      insertOrganization(tx, { org_id: ORG_ID, name: 'check', status: 'active' }),
    );
    await registerTask(metadata, caller, { document: work.document });
    const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    const results = openResultsDatabase(db, { schema: SCHEMA });
    const platform: Platform = {
      ...{ metadata, artifacts, tasks, queue: createInProcessQueue() },
      results: { get: async () => results },
    };
    for (const graph of WORK_GRAPHS)
      await publishPipeline(platform, caller, { name: graph.name, version: '1.0.0', spec: specOf(graph) });
  },
};

/** Tells where `work` is served. */
export async function registerWorkService(metadata: MetadataDatabase, serviceUrl: string): Promise<void> {
  const { items } = await inOrganization(metadata, ORG_ID, (tx) => listTaskDefinitions(tx, {}));
  const [definition] = items;
  if (!definition) throw new TypeError('expected the task work in the template of the database');
  const { task_definition_id: taskDefinitionId } = definition;
  await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: `${serviceUrl}/work` });
}
