import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Caller,
  createInProcessQueue,
  createLocalArtifactStore,
  Executor,
  inAllOrganizations,
  insertOrganization,
  type JsonObject,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  NotFoundError,
  newId,
  openResultsDatabase,
  type Platform,
  type ResultsDatabase,
  TaskFailedError,
  type TaskIdentity,
  type TaskRunner,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { createResultCache, type MadResultCache, type ResultCacheOptions } from '../../src/index.ts';

export const ORG_ID = '0195d0c0-0000-7000-8000-0000000000a1';
const SCHEMA = 'org_explained';

export const callerWith = (...permissions: string[]): Caller => ({
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(permissions),
});
export const caller = callerWith(
  ...['job.create', 'job.view', 'job.cancel', 'pipeline.create', 'cache.view', 'cache.manage'],
);

export type Answer = (request: JsonObject) => JsonObject | Promise<JsonObject>;

export interface ExplainedHost extends AsyncDisposable {
  readonly platform: Platform & { readonly cache: MadResultCache };
  readonly results: ResultsDatabase;
  /** Submitted jobs run from now on. */
  start(): Executor;
}

/** Both databases in one on the real server, and tasks that answer in this process. */
export async function openExplainedHost(
  tasks: TaskRunner,
  options: Partial<ResultCacheOptions> = {},
): Promise<ExplainedHost> {
  const stack = new AsyncDisposableStack();
  const { db } = stack.use(await createPostgresDatabase({ name: 'cache_explained', fill }));
  const folder = await mkdtemp(join(tmpdir(), 'mad-explained-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const metadata = db as unknown as MetadataDatabase;
  const results = openResultsDatabase(db, { schema: SCHEMA });
  const artifacts = createLocalArtifactStore({ folder });
  const cache = stack.use(createResultCache({ artifacts, metadata, ...options }));
  const databases = {
    async get(orgId: string) {
      if (orgId !== ORG_ID) throw new NotFoundError({ entity: 'organization', id: orgId });
      return results;
    },
  };
  const platform = { metadata, artifacts, tasks, queue: createInProcessQueue(), cache, results: databases };
  return {
    platform,
    results,
    start() {
      const executor = stack.use(new Executor(platform, { recoverEveryMs: 60_000 }));
      executor.start();
      return executor;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

async function fill(db: Kysely<unknown>): Promise<void> {
  await migrateMetadata(db);
  await migrateResults(db, { schema: SCHEMA, orgId: ORG_ID });
  await inAllOrganizations(db as unknown as MetadataDatabase, (tx) =>
    insertOrganization(tx, { org_id: ORG_ID, name: 'explained', status: 'active' }),
  );
}

export const identityOf = (taskKey: string, more: Partial<TaskIdentity> = {}): TaskIdentity => ({
  ...{ taskKey, version: '1.0.0', interfaceDigest: 'a'.repeat(64), producer: null, determinism: 'exact' },
  ...{ architecture: null, ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
  ...more,
});

/** Tasks by key, each with what it answers; `guess` alone is stochastic. */
export function createAnswers(answers: Readonly<Record<string, Answer>>): TaskRunner {
  const keys = new Map<string, string>();
  const identify = (taskKey: string) =>
    identityOf(taskKey, { determinism: taskKey === 'guess' ? 'stochastic' : 'exact' });
  const open = { type: 'object' };
  return {
    async resolve(_orgId, task) {
      const taskKey = task.split('@', 1)[0] ?? '';
      const taskDefinitionId = newId();
      keys.set(taskDefinitionId, taskKey);
      return { ...identify(taskKey), taskDefinitionId, requestSchema: open, responseSchema: open };
    },
    prepare: async (_orgId, { taskDefinitionId, request }) => ({
      request,
      identity: identify(keys.get(taskDefinitionId) ?? ''),
    }),
    async run({ taskDefinitionId, request }) {
      const answer = answers[keys.get(taskDefinitionId) ?? ''];
      if (!answer) throw new TaskFailedError({ failureCode: 'NO_TASK', message: 'no such task', retryable: false });
      const result = await answer(request);
      return { result, serviceId: newId(), serviceName: 'test', schemaVersion: '1.0.0', computeMs: 2_000 };
    },
  };
}
