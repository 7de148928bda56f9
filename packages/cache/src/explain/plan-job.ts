import {
  authorize,
  type CacheDecision,
  type CacheEntryRow,
  type Caller,
  type ComputeTime,
  findCacheEntries,
  findJob,
  isAwaited,
  isSuspicious,
  isTerminal,
  type JsonObject,
  listCacheFlights,
  listComputeTimes,
  listRunningExecutions,
  type Platform,
  type PreparedStep,
  type ResultsDatabase,
  type SeenCacheFlight,
  type SubmitJob,
  type TracedRequest,
  type TracedStep,
  traceRequest,
  traceSteps,
} from '@mad/core';
import { type AskedQuestion, findNearest } from './nearest-entry.ts';
import { OriginalContents } from './original-contents.ts';
import type { JobPlan } from './plan.ts';
import { type PlannedFrom, planStep, planWhole } from './plan-part.ts';
import { sumUp } from './plan-sums.ts';

interface Planning {
  readonly platform: Platform;
  readonly results: ResultsDatabase;
  readonly traced: TracedRequest;
}

/** The steps of a job, and what the cache says of each instance. */
interface AskedSteps {
  readonly steps: readonly TracedStep[];
  readonly decisions: ReadonlyMap<string, CacheDecision>;
}

/**
 * What a request would meet if it were submitted now: whether the whole job and each step would be served, computed or waited for, and what that would
 * take. Checked and looked up as `submitJob` and an executor do it; the outputs of steps that would be served are read on from. Nothing is submitted or
 * run, and no hit is counted; an entry that is found to be damaged leaves service as it always does.
 * @throws {PermissionDeniedError} without `cache.view` and `job.create`
 * @throws {NotFoundError} when the pipeline or its version is not there
 * @throws {ValidationFailedError} when the request is malformed, or inputs or parameters break the version's schemas
 */
export async function planJob(platform: Platform, caller: Caller, request: SubmitJob): Promise<JobPlan> {
  authorize(caller, 'cache.view');
  const { orgId } = caller;
  const traced = await traceRequest(platform, caller, request);
  const results = await platform.results.get(orgId);
  const planning = { platform, results, traced };
  const leader = await findLeader(planning);
  // Of a job that would wait the steps tell what its leader has left to do.
  const isServed = traced.decision.outcome === 'hit';
  const asked: AskedSteps = isServed ? { steps: [], decisions: new Map() } : await askSteps(planning);
  const missed = listMissed(traced, asked);
  const contents = new OriginalContents({ platform, results, orgId, asked: listAsked(traced, asked) });
  const flights = await findFlights(results, missed);
  const from: PlannedFrom = {
    traced,
    decisions: asked.decisions,
    leader,
    flights,
    elapsed: await readElapsed(results, flights),
    entries: await findRefused(results, missed),
    nearest: await findNearest(results, {
      questions: leader === undefined ? missed.filter(({ reason }) => reason === 'no_entry') : [],
      contents,
    }),
    times: await readTimes(results, asked),
    computing: new Map(),
  };
  const job = planWhole(from);
  const steps = asked.steps.map((step) => planStep(step, from));
  const { pipelineVersion, spec } = traced;
  return { pipelineVersion, job, steps: leader === undefined ? steps : [], ...sumUp(spec, { job, steps }) };
}

/** The open job that was asked the same, where a new one would wait for it. */
async function findLeader({ results, traced }: Planning): Promise<string | undefined> {
  const { identity, request } = traced;
  if (!identity || !isAwaited(traced)) return undefined;
  const [flight] = await listCacheFlights(results, { cacheKeys: [identity.cacheKey] });
  if (!flight?.held || flight.task_name !== '*' || flight.job_id === null) return undefined;
  const leader = await findJob(results, { jobId: flight.job_id });
  if (!leader || isTerminal(leader.status)) return undefined;
  // One that is more urgent takes the lead of what has not begun.
  return leader.status === 'PENDING' && (request.priority ?? 0) > leader.priority ? undefined : leader.job_id;
}

/** An executor would not take it either. */
const SUSPICIOUS: CacheDecision = { outcome: 'miss', reason: 'suspicious' };

async function askSteps({ platform, results, traced }: Planning): Promise<AskedSteps> {
  const { cache } = platform;
  const { orgId, demands, request, spec } = traced;
  const decisions = new Map<string, CacheDecision>();
  const findOutputs = async (prepared: readonly PreparedStep[]): Promise<ReadonlyMap<string, JsonObject>> => {
    const questions = prepared.flatMap(({ name, step, identity }) =>
      identity && step.cache === 'use' ? [{ name, step: step.name, ...demands, cacheKey: identity.cacheKey }] : [],
    );
    if (!cache || questions.length === 0 || request.useCache === false) return new Map();
    const found = await cache.findMany(results, { orgId, questions, peek: true });
    const outputs = new Map<string, JsonObject>();
    for (const [index, answer] of found.entries()) {
      const { name = '', step = '' } = questions[index] ?? {};
      const output = answer.outcome === 'hit' ? answer.result?.resultData : undefined;
      const isTaken = output && (spec.cache.suspicious === 'serve' || !isSuspicious(spec, { step, result: output }));
      decisions.set(name, output && !isTaken ? SUSPICIOUS : answer);
      if (output && isTaken) outputs.set(name, output);
    }
    return outputs;
  };
  return { steps: await traceSteps(platform, { ...traced, findOutputs }), decisions };
}

interface MissedQuestion extends AskedQuestion {
  readonly reason: string;
}

function listMissed(traced: TracedRequest, { steps, decisions }: AskedSteps): readonly MissedQuestion[] {
  const asked = [
    { taskName: '*', taskKey: null, identity: traced.identity, decision: traced.decision },
    ...steps.flatMap((step) =>
      step.kind === 'prepared'
        ? [
            {
              taskName: step.name,
              taskKey: step.task.taskKey,
              identity: step.identity,
              decision: decisions.get(step.name),
            },
          ]
        : [],
    ),
  ];
  return asked.flatMap(({ taskName, taskKey, identity, decision }) => {
    if (!identity || decision?.outcome !== 'miss' || decision.reason === 'off') return [];
    const { cacheKey, inputSignature, keyComponents } = identity;
    return [{ taskName, taskKey, cacheKey, inputSignature, keyComponents, reason: decision.reason }];
  });
}

/** Step instance, or `*`, → what it asks. */
function listAsked({ inputs, parameters }: TracedRequest, { steps }: AskedSteps): ReadonlyMap<string, JsonObject> {
  const requests = steps.flatMap((step) =>
    step.kind === 'prepared' ? [[step.name, { inputs: {}, parameters: step.request }] as const] : [],
  );
  return new Map([['*', { inputs, parameters }], ...requests]);
}

/** Cache key → who computes it now. */
async function findFlights(
  results: ResultsDatabase,
  missed: readonly MissedQuestion[],
): Promise<ReadonlyMap<string, SeenCacheFlight>> {
  const cacheKeys = [...new Set(missed.map(({ cacheKey }) => cacheKey))];
  const flights = cacheKeys.length > 0 ? await listCacheFlights(results, { cacheKeys }) : [];
  return new Map(flights.filter(({ held }) => held).map((flight) => [flight.cache_key, flight]));
}

/** Cache key → seconds for which who computes it has run. */
async function readElapsed(
  results: ResultsDatabase,
  flights: ReadonlyMap<string, SeenCacheFlight>,
): Promise<ReadonlyMap<string, number>> {
  const computing = [...flights].flatMap(([cacheKey, { job_id: jobId, task_name: taskName }]) =>
    jobId === null || taskName === null ? [] : [{ cacheKey, jobId, taskName }],
  );
  const running = await listRunningExecutions(results, { instances: computing });
  const seconds = new Map(running.map((row) => [`${row.job_id}/${row.task_name}`, row.elapsed_ms / 1_000]));
  return new Map(
    computing.map(({ cacheKey, jobId, taskName }) => [cacheKey, seconds.get(`${jobId}/${taskName}`) ?? 0]),
  );
}

/** Cache key → the entry that is not served. */
async function findRefused(
  results: ResultsDatabase,
  missed: readonly MissedQuestion[],
): Promise<ReadonlyMap<string, CacheEntryRow>> {
  const keys = missed.flatMap(({ cacheKey, reason }) => (reason === 'no_entry' ? [] : [cacheKey]));
  const entries = await findCacheEntries(results, { cacheKeys: [...new Set(keys)] });
  return new Map(entries.map((entry) => [entry.cache_key, entry]));
}

/** Task key → what it took before. */
async function readTimes(
  results: ResultsDatabase,
  { steps }: AskedSteps,
): Promise<ReadonlyMap<string, readonly ComputeTime[]>> {
  const byKey = Map.groupBy(steps, ({ step }) => step.identity.taskKey);
  const times = new Map<string, readonly ComputeTime[]>();
  for (const [taskKey, ofTask] of byKey) {
    const taskDefinitionIds = [...new Set(ofTask.map(({ step }) => step.taskDefinitionId))];
    times.set(taskKey, await listComputeTimes(results, { taskKey, taskDefinitionIds }));
  }
  return times;
}
