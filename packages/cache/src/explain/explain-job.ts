import {
  authorize,
  type CacheEntryRow,
  type CacheIdentity,
  type Caller,
  checkRequest,
  findCacheEntries,
  getPermittedJob,
  identifyJob,
  isTerminal,
  type JobCache,
  type JobRow,
  type JsonObject,
  listTaskResults,
  type Platform,
  parseJobCache,
  type ResultsDatabase,
  type TracedJob,
  type TracedStep,
  traceJob,
  traceSteps,
} from '@mad/core';
import { z } from 'zod';
import { afterWaiting, decideJob, leaderOf } from './decide-job.ts';
import { decideStep } from './decide-step.ts';
import type { Decided } from './decided.ts';
import { type EndedLeader, findEndedLeader } from './ended-leader.ts';
import type { Explanation, JobExplanation, NearestEntry } from './explanation.ts';
import { type AskedQuestion, findNearest } from './nearest-entry.ts';
import { OriginalContents } from './original-contents.ts';
import { type EntryThen, findEntryThen } from './refused-entries.ts';
import { missRule, type Rule } from './rule.ts';
import { readDecisions, type StoredDecisions } from './stored-decisions.ts';

/** What is known of a job before anything is explained. */
interface ReadJob {
  readonly job: JobRow;
  readonly cache: JobCache;
  readonly stored: StoredDecisions;
  /** The job that this one waited for, where it was given nothing. */
  readonly leader: EndedLeader | undefined;
  /** Undefined for a job that was written by other means. */
  readonly traced: TracedJob | undefined;
  readonly steps: readonly TracedStep[];
  /** Of the whole job, as it would be looked up now. */
  readonly identity: CacheIdentity | undefined;
}

const form = z.strictObject({ jobId: z.string({ error: 'expected the id of a job' }) });

/**
 * Why each result of a job is the cache's or is not: the decision as it was made, the rule with its figures, and for a miss the nearest entry of before with the
 * components that differ. Figures that changed since, such as those of an entry that was deleted, may be missing. Writes nothing, and runs nothing.
 * @throws {PermissionDeniedError} without `cache.view`, or `job.view` of the job
 * @throws {NotFoundError} when the job is not there
 * @throws {ValidationFailedError} for a request of another form
 */
export async function explainJob(
  platform: Platform,
  caller: Caller,
  request: { readonly jobId: string },
): Promise<JobExplanation> {
  authorize(caller, 'cache.view');
  checkRequest(form, { subject: 'explanation', value: request });
  const { jobId } = request;
  const { orgId } = caller;
  const results = await platform.results.get(orgId);
  const job = await getPermittedJob(results, caller, { jobId, permission: 'job.view' });
  const read = await readJob(platform, results, { job, orgId });
  const decided = listDecided(read);
  const entries = await findCacheEntries(results, {
    cacheKeys: [...new Set(decided.flatMap(({ cacheKey, code }) => (cacheKey !== null && code ? [cacheKey] : [])))],
  });
  const byKey = new Map(entries.map((entry) => [entry.cache_key, entry]));
  const then = await findEntriesThen(results, decided, byKey);
  const asked = listAsked(read);
  const nearest = await findNearest(results, {
    questions: decided.flatMap((one) => toQuestion(one, byKey) ?? []),
    exceptJobId: job.job_id,
    contents: new OriginalContents({ platform, results, orgId, asked }),
  });
  const minConfidence = read.cache.min_confidence;
  const [whole, ...steps] = decided.map((one) => toExplanation(one, { minConfidence, then, nearest }));
  if (!whole) throw new TypeError('expected a decision for the whole job');
  return { jobId: job.job_id, pipelineVersion: job.pipeline_version, status: job.status, job: whole, steps };
}

async function readJob(
  platform: Platform,
  results: ResultsDatabase,
  { job, orgId }: { readonly job: JobRow; readonly orgId: string },
): Promise<ReadJob> {
  const cache = parseJobCache(job.cache);
  const [traced, stored] = await Promise.all([traceJob(results, { orgId, job }), readDecisions(results, job)]);
  const leaderId = job.canonical_job_id === null ? leaderOf(stored.joined) : null;
  const leader = leaderId === null ? undefined : await findEndedLeader(results, { jobId: leaderId });
  if (!traced) return { job, cache, stored, leader, traced, steps: [], identity: undefined };
  const identity = platform.cache && (await identifyJob(platform.cache, traced));
  // What was served as a whole has no steps of its own.
  if (job.canonical_job_id !== null) return { job, cache, stored, leader, traced, steps: [], identity };
  const rows = await listTaskResults(results, { jobId: job.job_id });
  const outputs = new Map(rows.map((row) => [row.task_name, row.result_data]));
  const ended = isTerminal(job.status) ? [...stored.steps].filter(([name]) => !outputs.has(name)) : [];
  // What was canceled has not failed: what depends on it was not skipped for it.
  const failed = new Set(ended.flatMap(([name, { status }]) => (status === 'CANCELED' ? [] : [name])));
  const steps = await traceSteps(platform, { ...traced, outputs, failed });
  return { job, cache, stored, leader, traced, steps, identity };
}

function listDecided({ job, cache, stored, leader, traced, steps, identity }: ReadJob): readonly Decided[] {
  const whole = decideJob({ job, cache, joined: stored.joined, leader, spec: traced?.spec, identity });
  const { status } = job;
  return [whole, ...steps.map((step) => decideStep(step, { cache, status, stored: stored.steps.get(step.name) }))];
}

async function findEntriesThen(
  results: ResultsDatabase,
  decided: readonly Decided[],
  entries: ReadonlyMap<string, CacheEntryRow>,
): Promise<ReadonlyMap<string, EntryThen>> {
  const found = new Map<string, EntryThen>();
  for (const { code, cacheKey, decidedAt, taskName } of decided) {
    if (!code || code === 'no_entry' || code === 'off' || cacheKey === null || decidedAt === null) continue;
    const entry = await findEntryThen(results, { cacheKey, askedAt: decidedAt }, entries.get(cacheKey));
    if (entry) found.set(taskName, entry);
  }
  return found;
}

/** Step instance → what it asked. */
function listAsked({ traced, steps }: ReadJob): ReadonlyMap<string, JsonObject> {
  const asked = new Map<string, JsonObject>();
  if (traced) asked.set('*', { inputs: traced.inputs, parameters: traced.parameters });
  for (const step of steps)
    if (step.kind === 'prepared') asked.set(step.name, { inputs: {}, parameters: step.request });
  return asked;
}

/** The components of a key that has no entry are those of now, if they still make that key. */
function toQuestion(
  { code, taskName, taskKey, cacheKey, decidedAt, identity }: Decided,
  entries: ReadonlyMap<string, CacheEntryRow>,
): AskedQuestion | undefined {
  if (code !== 'no_entry' || cacheKey === null || decidedAt === null) return undefined;
  const entry = entries.get(cacheKey);
  const known = identity?.cacheKey === cacheKey ? identity : undefined;
  const keyComponents = entry?.key_components ?? known?.keyComponents;
  const inputSignature = entry?.input_signature ?? known?.inputSignature;
  if (!keyComponents || !inputSignature) return undefined;
  return { taskName, taskKey, cacheKey, inputSignature, keyComponents, askedAt: decidedAt };
}

function toExplanation(
  { code, rule, identity: _, waitedFor, canceled, ...decided }: Decided,
  known: {
    readonly minConfidence: number | null;
    readonly then: ReadonlyMap<string, EntryThen>;
    readonly nearest: ReadonlyMap<string, NearestEntry>;
  },
): Explanation {
  const entry = known.then.get(decided.taskName);
  const made = rule ?? missRule(code ?? 'no_entry', { entry, minConfidence: known.minConfidence });
  return {
    ...decided,
    rule: withCancel(waitedFor === undefined ? made : afterWaiting(waitedFor, made), canceled),
    nearest: known.nearest.get(decided.taskName) ?? toItself(decided, entry),
  };
}

function withCancel(rule: Rule, canceled: Decided['canceled']): Rule {
  if (canceled === undefined) return rule;
  return { ...rule, words: `${rule.words}; canceled ${canceled} it began`, facts: { ...rule.facts, canceled } };
}

/** The entry of the question itself, which the rule speaks of. */
function toItself(
  { cacheKey, taskName }: Pick<Decided, 'cacheKey' | 'taskName'>,
  entry: EntryThen | undefined,
): NearestEntry | null {
  if (!entry || cacheKey === null || entry.canonicalJobId === null || entry.createdAt === null) return null;
  const { canonicalJobId, createdAt, confidenceScore, pipelineVersion } = entry;
  const same = { distance: 0, differences: [] };
  return {
    cacheKey,
    canonicalJobId,
    taskName: entry.taskName ?? taskName,
    pipelineVersion,
    confidenceScore,
    createdAt,
    ...same,
  };
}
