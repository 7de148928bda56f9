import semver from 'semver';
import {
  type Caller,
  findTaskDefinition,
  inAllOrganizations,
  inOrganization,
  insertTaskDefinition,
  insertUser,
  type JsonObject,
  type JsonSchema,
  listTaskDefinitionVersions,
  type MetadataDatabase,
  NotFoundError,
  newId,
  type Platform,
  type ResolvedTask,
  SYSTEM_ORG_ID,
  type TaskDefinitionRow,
  type TaskRunner,
} from '../../src/index.ts';
import { ORG_ID, OTHER_ORG_ID, openTestPlatform } from '../executor/test-platform.ts';

const ALL = [
  'job.create',
  'job.view',
  'job.results.view',
  'pipeline.create',
  'pipeline.update',
  'pipeline.delete',
  'pipeline.view',
];

/** What the tests of catalogue and templates stand on: tasks as rows, and a user each of two organizations and the system's. */
export interface CataloguePlatform extends AsyncDisposable {
  readonly platform: Platform;
  /** Two users of one organization, one of another, one of the system's. */
  readonly ada: Caller;
  readonly ben: Caller;
  readonly other: Caller;
  readonly system: Caller;
}

export async function openCataloguePlatform(kind: 'pglite' | 'postgres'): Promise<CataloguePlatform> {
  const tasks = createStoredTasks(() => host.platform.metadata);
  const host = await openTestPlatform(kind, tasks);
  const { metadata } = host.platform;
  const caller = async (orgId: string): Promise<Caller> => {
    const { user_id: userId } = await inAllOrganizations(metadata, (tx) =>
      insertUser(tx, { email: `${newId()}@example.org` }),
    );
    return { orgId, userId, permissions: new Set(ALL) };
  };
  return {
    platform: host.platform,
    ada: await caller(ORG_ID),
    ben: await caller(ORG_ID),
    other: await caller(OTHER_ORG_ID),
    system: await caller(SYSTEM_ORG_ID),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/** The same caller with fewer permissions. */
export const without = (caller: Caller, ...permissions: string[]): Caller => ({
  ...caller,
  permissions: new Set([...caller.permissions].filter((permission) => !permissions.includes(permission))),
});

export interface StoredTask {
  readonly taskKey: string;
  readonly version?: string;
  readonly request?: JsonObject;
  readonly response?: JsonObject;
}

/** A task version of the caller's organization, whose interface is simply its two schemas. */
export function storeTask(platform: Platform, { orgId }: Caller, task: StoredTask): Promise<TaskDefinitionRow> {
  const { taskKey, version = '1.0.0', request = { type: 'object' }, response = { type: 'object' } } = task;
  return inOrganization(platform.metadata, orgId, (tx) =>
    insertTaskDefinition(tx, { task_id: taskKey, version, interface_spec: { request, response } }),
  );
}

function createStoredTasks(metadata: () => MetadataDatabase): TaskRunner {
  const identify = (row: TaskDefinitionRow): ResolvedTask => ({
    taskKey: row.task_id,
    version: row.version,
    interfaceDigest: row.task_definition_id,
    producer: null,
    determinism: 'exact',
    architecture: null,
    ignoredPointers: [],
    ignoredAnswerPointers: [],
    contentTypes: {},
    taskDefinitionId: row.task_definition_id,
    requestSchema: row.interface_spec.request as JsonSchema,
    responseSchema: row.interface_spec.response as JsonSchema,
  });
  return {
    async resolve(orgId, task) {
      const [taskKey = '', range = '*'] = task.split('@');
      const rows = await inOrganization(metadata(), orgId, (tx) => listTaskDefinitionVersions(tx, { taskKey }));
      const row = rows.find(({ version }) => semver.satisfies(version, range));
      if (!row) throw new NotFoundError({ entity: 'task', id: task });
      return identify(row);
    },
    async prepare(orgId, { taskDefinitionId, request }) {
      const row = await inOrganization(metadata(), orgId, (tx) => findTaskDefinition(tx, { taskDefinitionId }));
      if (!row) throw new NotFoundError({ entity: 'task definition', id: taskDefinitionId });
      const { requestSchema: _, responseSchema: __, ...identity } = identify(row);
      return { request, identity };
    },
    run: async () => ({ result: {}, serviceId: newId(), serviceName: 'test', schemaVersion: '1.0.0', computeMs: 1 }),
  };
}
