import { createResultCache } from '@mad/cache';
import {
  type ArtifactStore,
  type Caller,
  connectPostgres,
  createInProcessQueue,
  createLocalArtifactStore,
  type JobQueue,
  type Logger,
  type MetadataDatabase,
  type OrgId,
  openMetadataDatabase,
  openResultsDatabase,
  type Platform,
  type QueueLimits,
  type ResultsDatabase,
  silentLogger,
} from '@mad/core';
import { createPgBossQueue } from '@mad/core/pg-boss';
import { createTaskRunner } from '@mad/tasks';
import type { Kysely } from 'kysely';

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
  const permissions = new Set([
    ...['job.create', 'job.view', 'job.results.view', 'pipeline.create'],
    ...['task.define', 'task.update'],
  ]);
  return { orgId, schema: `org_load_${number}`, caller: { orgId, userId: null, permissions } };
}

export type JobQueueKind = 'in-process' | 'pg-boss';

export interface LoadPlatformOptions {
  readonly url: string;
  readonly serviceUrl: string;
  /** Of the artifacts. */
  readonly folder: string;
  readonly queue: JobQueueKind;
  /** @default false */
  readonly cached?: boolean | undefined;
  readonly limits?: QueueLimits | undefined;
  /** Of each of the two pools. */
  readonly connections?: number | undefined;
  readonly logger?: Logger | undefined;
  /** Stands between everything and the files. */
  readonly around?: ((artifacts: ArtifactStore) => ArtifactStore) | undefined;
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
  const store = createLocalArtifactStore({ folder: options.folder });
  const artifacts = options.around?.(store) ?? store;
  const tasks = stack.use(createTaskRunner({ metadata, artifacts, allowedOrigins: [serviceUrl], logger }));
  const cache = options.cached ? stack.use(createResultCache({ artifacts, metadata, logger })) : undefined;
  const boss = { connectionString, max: 2 };
  const queue: JobQueue =
    options.queue === 'in-process'
      ? createInProcessQueue({ logger, limits })
      : stack.use(await createPgBossQueue({ boss, metadata, limits, logger }));
  const platform: Platform = {
    ...{ metadata, artifacts, tasks, cache, queue, logger },
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
