import {
  type CacheLookup,
  findTaskResult,
  type JsonObject,
  type NewCacheEntry,
  newId,
  type ResultCache,
  type ResultsDatabase,
  type ResultsTransaction,
} from '../../src/index.ts';

export interface MemoryCache extends ResultCache {
  readonly asked: CacheLookup[];
  readonly recorded: NewCacheEntry[];
}

export interface MemoryCacheOptions {
  /** @default its request */
  readonly stepKey?: (request: JsonObject) => string;
  /** @default a new key each time: whole jobs are not remembered */
  readonly jobKey?: (job: { readonly parameters: JsonObject }) => string;
  /** What is known before. */
  readonly known?: ReadonlyMap<string, string>;
  /** False: nothing that is recorded is served. @default true */
  readonly serves?: boolean;
}

/** A cache in this process's memory that verifies nothing. */
export function createMemoryCache({ stepKey, jobKey, known, serves = true }: MemoryCacheOptions = {}): MemoryCache {
  const entries = new Map([...(known ?? [])].map(([key, jobId]) => [key, { canonicalJobId: jobId, taskName: '*' }]));
  const asked: CacheLookup[] = [];
  const recorded: NewCacheEntry[] = [];
  const identify = (cacheKey: string) => ({
    ...{ inputSignature: 's', cacheKey, keyComponents: { determinism: 'exact' } },
  });
  async function find(results: ResultsDatabase, lookup: CacheLookup) {
    asked.push(lookup);
    const entry = serves ? entries.get(lookup.cacheKey) : undefined;
    if (!entry) return { outcome: 'miss', reason: 'no_entry' } as const;
    const row = await findTaskResult(results, { jobId: entry.canonicalJobId, taskName: entry.taskName });
    const result = row
      ? { serviceName: row.service_name, schemaVersion: row.schema_version, resultData: row.result_data }
      : null;
    return { outcome: 'hit', ...entry, confidenceScore: row?.confidence_score ?? null, result } as const;
  }
  return {
    asked,
    recorded,
    identifyStep: async ({ request }) => identify(stepKey ? stepKey(request) : JSON.stringify(request)),
    identifyJob: async (job) => identify(jobKey ? jobKey(job) : newId()),
    find,
    findMany: async (results, { orgId, questions }) =>
      Promise.all(questions.map((question) => find(results, { ...question, orgId }))),
    async record(tx, given) {
      for (const entry of given.entries) {
        await writeRow(tx, entry);
        recorded.push(entry);
        entries.set(entry.identity.cacheKey, { canonicalJobId: entry.canonicalJobId, taskName: entry.taskName });
      }
    },
  };
}

/** The row by which those who wait for the job find its result. */
async function writeRow(tx: ResultsTransaction, entry: NewCacheEntry): Promise<void> {
  const { identity, pipelineVersion, taskName, canonicalJobId, confidenceScore } = entry;
  await tx
    .insertInto('result_cache')
    .values({
      ...{ cache_key: identity.cacheKey, pipeline_version: pipelineVersion, task_name: taskName, seal: '' },
      ...{ canonical_job_id: canonicalJobId, confidence_score: confidenceScore },
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
