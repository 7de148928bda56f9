import { createResultCache, explainJob, planJob } from '@mad/cache';
import { createInProcessQueue, type Platform, type SubmitJob } from '@mad/core';
import { createTaskRunner } from '@mad/tasks';
import type { Command } from 'commander';
import { CommandUsageError } from '../errors.ts';
import { readRequest } from '../service/read-request.ts';
import type { Terminal } from '../terminal.ts';
import {
  type CacheFlags,
  inCache,
  type OpenedCache,
  requireArtifacts,
  withCacheOptions,
  withCacheSecret,
} from './cache-options.ts';
import { formatExplanation } from './explanation-text.ts';
import { parseJobId, parseShare } from './parse-cache-flags.ts';
import { formatPlan } from './plan-text.ts';
import { toJson } from './to-json.ts';

interface PlanFlags extends CacheFlags {
  readonly request?: string;
  readonly minConfidence?: string;
}

/** Adds `mad cache explain` and `plan`. */
export function addExplainCommands(cache: Command, terminal: Terminal): void {
  withCacheSecret(withCacheOptions(cache.command('explain')))
    .description('why the results of a job came from the cache, or did not')
    .argument('<job>', 'its uuid')
    .action((job: string, flags: CacheFlags) => explain(terminal, job, flags));
  withCacheSecret(withCacheOptions(cache.command('plan')))
    .description('what the cache would do with a request, and how long the rest would take; nothing is submitted')
    .option('--request <file>', 'JSON as submitJob takes it: {"pipeline": "docking", "inputs": {…}, "parameters": {…}}')
    .option('--min-confidence <share>', 'what the platform gives its cache as minConfidence (default: none)')
    .action((flags: PlanFlags) => plan(terminal, flags));
}

async function explain(terminal: Terminal, job: string, flags: CacheFlags): Promise<void> {
  const jobId = parseJobId('JOB', job);
  requireArtifacts(flags);
  const explanation = await inPlatform(terminal, flags, ({ platform, caller }) =>
    explainJob(platform, caller, { jobId }),
  );
  terminal.out(flags.json ? toJson(explanation) : formatExplanation(explanation));
}

async function plan(terminal: Terminal, flags: PlanFlags): Promise<void> {
  if (flags.request === undefined)
    throw new CommandUsageError({ option: '--request', expected: 'a file with one JSON object', got: 'none' });
  requireArtifacts(flags);
  // Its form is checked as that of every submission is.
  const request = (await readRequest(flags.request)) as unknown as SubmitJob;
  const { minConfidence: share } = flags;
  const minConfidence = share === undefined ? undefined : parseShare('--min-confidence', share);
  const found = await inPlatform(terminal, { ...flags, minConfidence }, ({ platform, caller }) =>
    planJob(platform, caller, request),
  );
  // Both are options of the platform's own cache, which this process does not see.
  const plannedWithout = ['normalizers', ...(minConfidence === undefined ? ['minConfidence'] : [])];
  terminal.out(flags.json ? toJson({ ...found, plannedWithout }) : formatPlan(found, plannedWithout));
}

/** A platform that calls no service and runs nothing. */
function inPlatform<Result>(
  terminal: Terminal,
  flags: CacheFlags & { readonly minConfidence?: number | undefined },
  use: (opened: { platform: Platform; caller: OpenedCache['caller'] }) => Promise<Result>,
): Promise<Result> {
  return inCache(terminal, flags, async ({ platform, caller }) => {
    const { metadata, artifacts } = platform;
    const { minConfidence } = flags;
    const { MAD_CACHE_SECRET: secret, MAD_CACHE_SALT: salt } = terminal.env;
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    await using cache = createResultCache({ artifacts, metadata, secret, salt, minConfidence });
    return await use({ platform: { ...platform, tasks, cache, queue: createInProcessQueue() }, caller });
  });
}
