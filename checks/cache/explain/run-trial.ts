import { type Explanation, explainJob, type JobExplanation, type JobPlan, planJob } from '@mad/cache';
import { formatArtifactUri, type JsonObject, type Platform, type SubmitJob } from '@mad/core';
import { sql } from 'kysely';
import { caller, type ExplainedPlatform } from './explained-platform.ts';
import { type AskedJob, BASE, type Trial } from './trials.ts';

export interface RunTrial {
  readonly trial: Trial;
  /** Of the pipeline, where the trial changes it or its tasks. */
  readonly version: string;
  /** The job of before the change, where it has run already. */
  readonly baseJobId?: string | undefined;
}

export const BASE_VERSION = '1.0.0';

/** Forgets everything that was computed, and runs what trials start from. */
export async function runBase(host: ExplainedPlatform): Promise<string> {
  await host.results.deleteFrom('jobs').execute();
  return host.run(await toRequest(host, BASE, BASE_VERSION));
}

/** Runs a job after one thing has changed, and returns what is wrong with its explanation, and with the plan that was made of it before. */
export async function runTrial(
  host: ExplainedPlatform,
  { trial, version, baseJobId }: RunTrial,
): Promise<readonly string[]> {
  const before = baseJobId ?? (await runBase(host));
  const platform = await prepareAround(host, trial);
  const asked = { ...BASE, ...trial.change };
  const isPublished = trial.change.spec !== undefined || trial.change.dock !== undefined;
  if (isPublished) {
    host.tasks.change('dock', asked.dock);
    await host.publish(version, asked.spec);
    host.tasks.restore();
  }
  const request = await toRequest(host, asked, isPublished ? version : BASE_VERSION);
  const plan = await planJob(platform, caller, { pipeline: 'docking', ...request });
  const calls = host.tasks.calls;
  const jobId = await host.run(request, platform);
  const explanation = await explainJob(platform, caller, { jobId });
  return [
    ...judge(explanation, trial, baseJobId === undefined ? before : undefined),
    ...judgePlan(plan, explanation),
    ...(host.tasks.calls - calls === countMisses(explanation) ? [] : ['the calls are not those that missed']),
  ];
}

async function toRequest(
  { platform }: ExplainedPlatform,
  { parameters, files }: AskedJob,
  version: string,
): Promise<Omit<SubmitJob, 'pipeline'>> {
  const inputs: Record<string, string> = {};
  for (const [key, content] of Object.entries(files)) {
    const { digest } = await platform.artifacts.put(caller.orgId, content);
    inputs[key] = formatArtifactUri({ orgId: caller.orgId, digest });
  }
  return { version, parameters, inputs };
}

async function prepareAround(host: ExplainedPlatform, { around }: Trial): Promise<Platform> {
  if (around === 'salt') return host.withCache({ salt: 'another' });
  if (around === 'version')
    await host.results
      .updateTable('result_cache')
      .set({
        cache_key: sql<string>`'earlier ' || cache_key`,
        key_components: sql<JsonObject>`jsonb_set(key_components, '{version}', '0')`,
      })
      .execute();
  return host.platform;
}

function* judge({ job, steps }: JobExplanation, trial: Trial, baseJobId: string | undefined): Generator<string> {
  const dock = steps.find(({ taskName }) => taskName === 'dock');
  const prepare = steps.find(({ taskName }) => taskName === 'prepare');
  if (!dock || !prepare) return yield 'a step is not explained';
  yield* judgeOne(job, trial.job);
  yield* judgeOne(dock, trial.step);
  yield* judgeOne(prepare, trial.around ? trial.step : null);
  const words =
    (trial.step === null ? job : dock).nearest?.differences.map((difference) => difference.words).join('; ') ?? '';
  const isSaid = typeof trial.words === 'string' ? words === trial.words : trial.words.test(words);
  if (!isSaid) yield `expected "${trial.words}", got "${words}"`;
  if (baseJobId !== undefined && job.nearest?.canonicalJobId !== baseJobId) yield 'another job is the nearest';
}

function* judgeOne({ taskName, decision, rule, nearest }: Explanation, component: string | null): Generator<string> {
  const found = nearest?.differences.map((difference) => difference.component).join(', ') ?? 'nothing';
  if (component === null) {
    if (decision !== 'hit' || nearest !== null)
      yield `expected ${taskName} to be served, got ${decision}: ${rule.words}; ${found}`;
    return;
  }
  if (decision !== 'miss' || rule.code !== 'no_entry')
    yield `expected no entry for ${taskName}, got ${decision}: ${rule.words}`;
  if (found !== component || nearest?.distance !== 1)
    yield `expected ${component} to be named for ${taskName}, got ${found}`;
}

/** What was foreseen is what came. */
function* judgePlan({ job, steps }: JobPlan, explanation: JobExplanation): Generator<string> {
  if (differencesOf(job) !== differencesOf(explanation.job)) yield `the plan named ${differencesOf(job)} for the job`;
  for (const after of explanation.steps) {
    const before = steps.find(({ taskName }) => taskName === after.taskName);
    const isForeseen = before?.outlook === after.decision && differencesOf(before) === differencesOf(after);
    // What reads from a step that is computed was not known before.
    if (!isForeseen && before?.outlook !== 'unknown')
      yield `the plan foresaw ${before?.outlook} for ${after.taskName}, and it was ${after.decision}`;
  }
}

const differencesOf = ({ nearest }: Pick<Explanation, 'nearest'>): string =>
  JSON.stringify(nearest?.differences.map(({ component, words }) => [component, words]));

const countMisses = ({ steps }: JobExplanation): number => steps.filter(({ decision }) => decision === 'miss').length;
