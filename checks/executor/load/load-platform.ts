import {
  type Caller,
  connectPostgres,
  createInProcessQueue,
  createLocalArtifactStore,
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  type JobQueue,
  type Logger,
  listTaskDefinitions,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  type OrgId,
  openMetadataDatabase,
  openResultsDatabase,
  type Platform,
  publishPipeline,
  type QueueLimits,
  type ResultsDatabase,
  silentLogger,
} from '@mad/core';
import { createPgBossQueue } from '@mad/core/pg-boss';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import type { DatabaseTemplate } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { CHAIN, specOf } from '../work/work-graphs.ts';
import { work } from '../work/work-service.ts';
import { PAIR, SINGLE, SINGLE_GPU } from './load-graphs.ts';

/** An organization of the checks, whose Results DB is a schema. */
export interface LoadOrganization {
  readonly orgId: OrgId;
  readonly schema: string;
  readonly caller: Caller;
}

/** Three organizations. */
export const ORGANIZATIONS: readonly [LoadOrganization, LoadOrganization, LoadOrganization] = [
  toOrganization(1),
  toOrganization(2),
  toOrganization(3),
];

function toOrganization(number: number): LoadOrganization {
  const orgId = `0195d0c0-0000-7000-8000-0000000000a${number}`;
  const permissions = new Set(['job.create', 'job.view', 'job.results.view', 'pipeline.create']);
  return { orgId, schema: `org_load_${number}`, caller: { orgId, userId: null, permissions } };
}

export type JobQueueKind = 'in-process' | 'pg-boss';

export interface LoadPlatformOptions {
  readonly url: string;
  readonly serviceUrl: string;
  /** Of the artifacts. */
  readonly folder: string;
  readonly queue: JobQueueKind;
  readonly limits?: QueueLimits | undefined;
  /** Of each of the two pools. */
  readonly connections?: number | undefined;
  readonly logger?: Logger | undefined;
}

export interface LoadPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly metadata: MetadataDatabase;
  resultsOf(organization: LoadOrganization): ResultsDatabase;
}

/** The packages wired together as a host does it, with the queue that is wanted, on pools of this process. */
export async function openLoadPlatform(options: LoadPlatformOptions): Promise<LoadPlatform> {
  const { url: connectionString, serviceUrl, connections: max = 4, limits, logger = silentLogger } = options;
  const stack = new AsyncDisposableStack();
  const [metadataPool, resultsPool] = [0, 1].map(() =>
    stack.adopt(connectPostgres({ connectionString, max }, { logger }), (db) => db.destroy()),
  ) as [Kysely<unknown>, Kysely<unknown>];
  const metadata = await openMetadataDatabase(metadataPool, { allowPrivileged: true });
  const databases = new Map(
    ORGANIZATIONS.map(({ orgId, schema }) => [orgId, openResultsDatabase(resultsPool, { schema })]),
  );
  const get = (orgId: OrgId): ResultsDatabase => databases.get(orgId) ?? unknown(orgId);
  const artifacts = createLocalArtifactStore({ folder: options.folder });
  const tasks = stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [serviceUrl], logger }));
  const boss = { connectionString, max: 2 };
  const queue: JobQueue =
    options.queue === 'in-process'
      ? createInProcessQueue({ logger, limits })
      : stack.use(await createPgBossQueue({ boss, metadata, limits, logger }));
  const platform: Platform = {
    ...{ metadata, artifacts, tasks, queue, logger },
    results: { get: async (orgId) => get(orgId) },
  };
  return {
    ...{ platform, metadata },
    resultsOf: ({ orgId }) => get(orgId),
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

function unknown(orgId: OrgId): never {
  throw new TypeError(`expected an organization of the checks, not ${orgId}`);
}

/** Both databases in one: in every organization the task `work` and the pipelines of the checks. */
export const loadDatabase: DatabaseTemplate<unknown> = {
  name: 'checks_load',
  async fill(db) {
    await migrateMetadata(db);
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    for (const { orgId, schema, caller } of ORGANIZATIONS) {
      await migrateResults(db, { schema, orgId });
      await inAllOrganizations(metadata, (tx) =>
        insertOrganization(tx, { org_id: orgId, name: schema, status: 'active' }),
      );
      await registerTask(metadata, { orgId, document: work.document });
      const results = openResultsDatabase(db, { schema });
      const platform: Platform = {
        ...{ metadata, artifacts, tasks, queue: createInProcessQueue() },
        results: { get: async () => results },
      };
      for (const graph of [CHAIN, PAIR, SINGLE])
        await publishPipeline(platform, caller, { name: graph.name, version: '1.0.0', spec: specOf(graph) });
      await publishPipeline({ ...platform, tasks: onGpu(tasks) }, caller, {
        name: SINGLE_GPU.name,
        version: '1.0.0',
        spec: specOf(SINGLE_GPU),
      });
    }
  },
};

/** The same tasks, of which every one says that it needs a GPU. */
function onGpu(tasks: Platform['tasks']): Platform['tasks'] {
  return {
    resolve: async (orgId, task) => ({ ...(await tasks.resolve(orgId, task)), resourceClass: 'gpu' }),
    prepare: (orgId, call) => tasks.prepare(orgId, call),
    run: (call) => tasks.run(call),
  };
}

/** Tells every organization where `work` is served. */
export async function registerLoadService(metadata: MetadataDatabase, serviceUrl: string): Promise<void> {
  for (const { orgId } of ORGANIZATIONS) {
    const { items } = await inOrganization(metadata, orgId, (tx) => listTaskDefinitions(tx, {}));
    for (const { task_definition_id: taskDefinitionId } of items)
      await registerTaskService(metadata, { orgId, taskDefinitionId, serviceUrl: `${serviceUrl}/work` });
  }
}
