import type { OrgId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { CacheDecision, CacheIdentity, CacheQuestion, ResultCache } from '../ports/result-cache.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { identifyJob } from './identify-job.ts';
import type { PreparedJob } from './prepare-jobs.ts';

/** How good a cached result must be for a job. */
export type Demands = Pick<CacheQuestion, 'minConfidence' | 'acceptStochastic'>;

/** A job and what the cache says of it as a whole. */
export interface DecidedJob extends PreparedJob {
  /** Undefined without a cache, and where a step may not be cached. */
  readonly identity: CacheIdentity | undefined;
  readonly decision: CacheDecision;
  readonly demands: Demands;
}

/** What the caller asks for, else what the pipeline does, else the cache. */
export function demandsOf(
  { request, pipeline }: Pick<PreparedJob, 'request' | 'pipeline'>,
  platformCache: ResultCache | undefined,
): Demands {
  const { cache } = pipeline.spec;
  return {
    minConfidence: request.minConfidence ?? cache.minConfidence ?? platformCache?.minConfidence,
    acceptStochastic: request.acceptStochastic ?? cache.acceptStochastic ?? false,
  };
}

/** Asks the cache for whole jobs, all in one question. */
export async function lookUpJobs(
  { cache }: Platform,
  results: ResultsDatabase,
  { orgId, jobs, peek }: { readonly orgId: OrgId; readonly jobs: readonly PreparedJob[]; readonly peek?: boolean },
): Promise<readonly DecidedJob[]> {
  const asked = await Promise.all(
    jobs.map(async (job) => {
      const { pipeline, files: inputs, parameters } = job;
      const identity = cache && (await identifyJob(cache, { orgId, spec: pipeline.spec, inputs, parameters }));
      return { ...job, identity, demands: demandsOf(job, cache) };
    }),
  );
  const questions = asked.flatMap(({ identity, request, demands }) =>
    identity && request.useCache !== false ? [{ ...demands, cacheKey: identity.cacheKey }] : [],
  );
  const decisions =
    cache && questions.length > 0 ? [...(await cache.findMany(results, { orgId, questions, peek }))] : [];
  return asked.map((job) => ({
    ...job,
    decision: (job.identity && job.request.useCache !== false ? decisions.shift() : undefined) ?? OFF,
  }));
}

const OFF: CacheDecision = { outcome: 'miss', reason: 'off' };
