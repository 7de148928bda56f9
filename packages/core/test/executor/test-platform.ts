import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import {
  type Caller,
  createInProcessQueue,
  createLocalArtifactStore,
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
  type ResolvedTask,
  type ResultsDatabase,
  type TaskCall,
  TaskFailedError,
  type TaskRunner,
} from '../../src/index.ts';

export const ORG_ID = '0195d0c0-0000-7000-8000-00000000000a';
export const OTHER_ORG_ID = '0195d0c0-0000-7000-8000-00000000000b';
export const DEFINITION_ID = '0195d0c0-0000-7000-8000-0000000000d1';

export interface TestPlatform extends AsyncDisposable {
  readonly platform: Platform;
  readonly caller: Caller;
  readonly results: ResultsDatabase;
  readonly metadata: MetadataDatabase;
  readonly url: string | undefined;
}

export const callerOf = (orgId: string): Caller => ({
  orgId,
  userId: null,
  permissions: new Set(['job.create', 'job.view', 'job.cancel', 'job.results.view', 'pipeline.create']),
});

/** Both databases in one, two organizations as schemas, and tasks that run in this process. */
export async function openTestPlatform(kind: 'pglite' | 'postgres', tasks: TaskRunner): Promise<TestPlatform> {
  const template = { name: 'core_platform', fill: fillTestDatabase };
  const database = kind === 'pglite' ? createPgliteDatabase(template) : await createPostgresDatabase(template);
  const folder = await mkdtemp(join(tmpdir(), 'mad-core-'));
  return {
    ...connectTestPlatform(database.db, { folder, tasks }),
    url: 'url' in database ? (database.url as string) : undefined,
    async [Symbol.asyncDispose]() {
      await database[Symbol.asyncDispose]();
      await rm(folder, { recursive: true });
    },
  };
}

export function connectTestPlatform(
  db: Kysely<unknown>,
  { folder, tasks }: { folder: string; tasks: TaskRunner },
): Omit<TestPlatform, keyof AsyncDisposable | 'url'> {
  const metadata = db as unknown as MetadataDatabase;
  const databases = new Map(
    [ORG_ID, OTHER_ORG_ID].map((orgId) => [orgId, openResultsDatabase(db, { schema: `org_${orgId.slice(-1)}` })]),
  );
  const results = {
    async get(orgId: string) {
      const found = databases.get(orgId);
      if (!found) throw new NotFoundError({ entity: 'organization', id: orgId });
      return found;
    },
  };
  const platform: Platform = {
    metadata,
    results,
    artifacts: createLocalArtifactStore({ folder }),
    tasks,
    queue: createInProcessQueue(),
  };
  return { platform, caller: callerOf(ORG_ID), results: databases.get(ORG_ID) as ResultsDatabase, metadata };
}

async function fillTestDatabase(db: Kysely<unknown>): Promise<void> {
  await migrateMetadata(db);
  for (const orgId of [ORG_ID, OTHER_ORG_ID]) {
    await migrateResults(db, { schema: `org_${orgId.slice(-1)}`, orgId });
    await inAllOrganizations(db as unknown as MetadataDatabase, (tx) =>
      insertOrganization(tx, { org_id: orgId, name: `org ${orgId.slice(-1)}`, status: 'active' }),
    );
  }
}

export type Answer = (request: JsonObject, call: TaskCall) => Promise<JsonObject> | JsonObject;

/** Tasks by key that answer in this process, and a record of every call. */
export function createTestTasks(
  answers: Readonly<Record<string, Answer>>,
): TaskRunner & { readonly calls: TaskCall[] } {
  const calls: TaskCall[] = [];
  const open = { type: 'object' };
  const identityOf = (taskKey: string) => ({
    taskKey,
    version: '1.0.0',
    interfaceDigest: taskKey,
    producer: null,
    determinism: 'exact' as const,
    architecture: null,
    ignoredPointers: [],
    ignoredAnswerPointers: [],
    contentTypes: {},
  });
  return {
    calls,
    async resolve(_orgId, task): Promise<ResolvedTask> {
      const taskKey = task.split('@')[0] ?? '';
      if (!answers[taskKey]) throw new NotFoundError({ entity: 'task', id: task });
      return { ...identityOf(taskKey), taskDefinitionId: DEFINITION_ID, requestSchema: open, responseSchema: open };
    },
    prepare: async (_orgId, { request }) => ({ request, identity: identityOf(String(request.task ?? '')) }),
    async run(call) {
      calls.push(call);
      const answer = answers[String(call.request.task)];
      if (!answer) throw new TaskFailedError({ failureCode: 'NO_TASK', message: 'no such task', retryable: false });
      return {
        result: await answer(call.request, call),
        serviceId: newId(),
        serviceName: 'test',
        schemaVersion: '1.0.0',
        computeMs: 1,
      };
    },
  };
}

/** A step that calls the test task of this key. */
export const step = (name: string, more: object = {}) => ({
  name,
  task: `${name.split('-')[0]}@^1`,
  parameters: { task: name.split('-')[0] ?? '' },
  ...more,
});
