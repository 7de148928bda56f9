import {
  type Caller,
  inOrganization,
  listAuditLogs,
  type NewCacheEntry,
  NotFoundError,
  newId,
  type ResultsDatabases,
  type TaskIdentity,
} from '@mad/core';
import { createResultCache, type MadResultCache } from '../../src/index.ts';
import { type OpenedCache, openOnPostgres } from '../opened-cache.ts';

export const SECRET = 'a secret of thirty-two bytes or more';
export const TASK: TaskIdentity = {
  ...{
    taskKey: 'dock',
    version: '1.0.0',
    interfaceDigest: 'a'.repeat(64),
    producer: 'sha256:vina',
    determinism: 'seeded' as const,
  },
  ...{ architecture: null, ignoredPointers: [], ignoredAnswerPointers: [], contentTypes: {} },
};

/** What a test records; the rest is what most results are. */
export interface RecordGiven extends Partial<Omit<NewCacheEntry, 'identity'>> {
  readonly task?: Partial<TaskIdentity>;
  /** The whole job of this step. */
  readonly whole?: boolean;
  readonly jobId?: string;
  /** Asks the same as an earlier one. */
  readonly seed?: number;
}

export interface ManagedCache extends AsyncDisposable {
  readonly opened: OpenedCache;
  readonly platform: {
    readonly results: ResultsDatabases;
    readonly metadata: OpenedCache['metadata'];
    readonly artifacts: OpenedCache['artifacts'];
  };
  readonly caller: Caller;
  readonly cache: MadResultCache;
  record(given?: RecordGiven): Promise<{ readonly cacheKey: string; readonly jobId: string; readonly seed: number }>;
  /** Actions of the audit trail, the oldest first. */
  audited(): Promise<readonly string[]>;
}

/** A cache on the real server, and a caller who may manage it. */
export async function openManagedCache(): Promise<ManagedCache> {
  const opened = await openOnPostgres();
  const { orgId, results, metadata, artifacts } = opened;
  const databases: ResultsDatabases = {
    async get(asked) {
      if (asked === orgId) return results;
      throw new NotFoundError({ entity: 'results database', id: asked });
    },
  };
  const cache = createResultCache({ artifacts, metadata, secret: SECRET });
  let last = 0;
  return {
    opened,
    cache,
    platform: { results: databases, metadata, artifacts },
    caller: { orgId, userId: null, permissions: new Set(['cache.view', 'cache.manage']) },
    async record({ task, whole = false, jobId = newId(), seed = ++last, ...given } = {}) {
      const identified = { ...TASK, ...task };
      const identity = whole
        ? await cache.identifyJob({ orgId, spec: {}, tasks: [identified], inputs: {}, parameters: { seed } })
        : await cache.identifyStep({ orgId, task: identified, request: { seed } });
      await results.transaction().execute(async (tx) => {
        const job = { job_id: jobId, pipeline_version: 'docking@1.0.0', status: 'COMPLETED' as const };
        await tx
          .insertInto('jobs')
          .values(job)
          .onConflict((one) => one.doNothing())
          .execute();
        const row = { job_id: jobId, task_name: 'dock', result_data: { seed } };
        await tx
          .insertInto('task_results')
          .values(row)
          .onConflict((one) => one.doNothing())
          .execute();
        const entry: NewCacheEntry = {
          identity,
          ...{
            pipelineVersion: 'docking@1.0.0',
            taskName: whole ? '*' : 'dock',
            canonicalJobId: jobId,
            confidenceScore: null,
          },
          ...{
            artifacts: {},
            metricsSummary: {},
            producer: whole ? {} : { service_name: 'vina' },
            computeMs: 1_000,
            inputBytes: 0,
          },
          ignoredAnswerPointers: [],
          ...given,
        };
        await cache.record(tx, { orgId, entries: [entry] });
      });
      return { cacheKey: identity.cacheKey, jobId, seed };
    },
    async audited() {
      const { items } = await inOrganization(metadata, orgId, (tx) =>
        listAuditLogs(tx, { entityType: 'cache_entry', limit: 500 }),
      );
      return items.map(({ action }) => action).reverse();
    },
    [Symbol.asyncDispose]: () => opened[Symbol.asyncDispose](),
  };
}
