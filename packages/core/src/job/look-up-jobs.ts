import PQueue from 'p-queue';
import type { OrgId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { CacheDecision, CacheIdentity } from '../ports/result-cache.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import { identifyJob } from './identify-job.ts';
import type { PreparedJob } from './prepare-jobs.ts';

/** A job and what the cache says of it as a whole. */
export interface DecidedJob extends PreparedJob {
  /** Undefined without a cache, and where a step may not be cached. */
  readonly identity: CacheIdentity | undefined;
  readonly decision: CacheDecision;
}

// Each look-up borrows a connection of the organization's budget, which its running jobs need too.
const LOOK_UPS_AT_A_TIME = 4;

/** Asks the cache for whole jobs, once for each distinct question. */
export async function lookUpJobs(
  { cache }: Platform,
  results: ResultsDatabase,
  { orgId, jobs }: { readonly orgId: OrgId; readonly jobs: readonly PreparedJob[] },
): Promise<readonly DecidedJob[]> {
  if (!cache) return jobs.map((job) => ({ ...job, identity: undefined, decision: OFF }));
  const identities = jobs.map(({ pipeline, files, parameters }) =>
    identifyJob(cache, { spec: pipeline.spec, inputs: files, parameters }),
  );
  const questions = new Map<string, () => Promise<void>>();
  const answers = new Map<string, CacheDecision>();
  const questionsOf = jobs.map(({ request: { useCache, minConfidence } }, index) => {
    const cacheKey = identities[index]?.cacheKey;
    if (cacheKey === undefined || useCache === false) return undefined;
    const question = `${cacheKey} ${minConfidence ?? ''}`;
    questions.set(question, async () => {
      answers.set(question, await cache.find(results, { orgId, cacheKey, minConfidence }));
    });
    return question;
  });
  await new PQueue({ concurrency: LOOK_UPS_AT_A_TIME }).addAll([...questions.values()]);
  return jobs.map((job, index) => ({
    ...job,
    identity: identities[index],
    decision: answers.get(questionsOf[index] ?? '') ?? OFF,
  }));
}

const OFF: CacheDecision = { outcome: 'miss', reason: 'off' };
