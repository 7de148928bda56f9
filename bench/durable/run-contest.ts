import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { BenchServer } from './bench-server.ts';
import type { Contender } from './contender.ts';
import type { Contest } from './contest.ts';
import { seedJobs } from './mad/seed-jobs.ts';
import { startRedisServer } from './redis-server.ts';
import type { Trial, TrialResult } from './trial.ts';

/** By contender, one result a round; fewer where a round failed. */
export type ContestResults = ReadonlyMap<string, readonly RoundResult[]>;

export interface RoundResult extends TrialResult {
  readonly round: number;
}

export interface RunContest {
  readonly server: BenchServer;
  /** Told what happens, for people who wait. */
  readonly say: (line: string) => void;
}

/** Runs all contenders in turns, each round in an order rotated by one, each trial in a process and a database of its own. */
export async function runContest(contest: Contest, { server, say }: RunContest): Promise<ContestResults> {
  const results = new Map<string, RoundResult[]>();
  const templates = new Map<string, string>();
  for (let round = 0; round < contest.rounds; round++) {
    const { contenders } = contest;
    const first = round % contenders.length;
    for (const contender of [...contenders.slice(first), ...contenders.slice(0, first)]) {
      const template = await provideTemplate(server, { contest, contender, templates });
      try {
        const result = { round, ...(await runInProcess(server, { contest, contender, template })) };
        results.set(contender.name, [...(results.get(contender.name) ?? []), result]);
        say(`${contest.name}, round ${round + 1}: ${contender.name} ${result.jobsPerSecond.toFixed(0)} jobs/s`);
      } catch (error) {
        say(
          `${contest.name}, round ${round + 1}: ${contender.name} FAILED: ${error instanceof Error ? error.message : String(error)}`,
        );
      }
    }
  }
  for (const template of templates.values()) await server.drop(template);
  return results;
}

interface Part {
  readonly contest: Contest;
  readonly contender: Contender;
}

async function provideTemplate(
  server: BenchServer,
  { contest, contender, templates }: Part & { templates: Map<string, string> },
): Promise<string | undefined> {
  const { preparation, prepare } = contender;
  if (!prepare) return undefined;
  const key = preparation ?? contender.name;
  const known = templates.get(key);
  if (known) return known;
  const name = `template_${templates.size}`;
  const url = await server.create(name);
  await prepare(url);
  if (contest.seeded) await seedJobs(url, { jobs: contest.seeded });
  templates.set(key, name);
  return name;
}

const DATABASE = 'trial';

async function runInProcess(
  server: BenchServer,
  { contest, contender, template }: Part & { template: string | undefined },
): Promise<TrialResult> {
  const folder = await mkdtemp(join(tmpdir(), 'mad-bench-'));
  const redis = contender.redis ? await startRedisServer() : undefined;
  try {
    const { graph, atATime, jobs, warmUp, alone, aloneMs } = contest;
    const url = await server.create(DATABASE, template);
    const site = { url, folder, graph, atATime, redis: redis?.socket };
    const trial: Trial = { site, jobs, warmUp, alone, aloneMs, controlUrl: server.url(), redisPid: redis?.pid };
    return await inChild(contender, trial);
  } finally {
    await redis?.[Symbol.asyncDispose]();
    await server.drop(DATABASE);
    await rm(folder, { recursive: true, force: true });
  }
}

/** Longer than any trial takes that ends at all. */
const TRIAL_MS = 300_000;

async function inChild({ name }: Contender, trial: Trial): Promise<TrialResult> {
  const child = fork(join(import.meta.dirname, 'trial-process.ts'), {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: ['--no-deprecation'],
  });
  const stop = setTimeout(() => child.kill('SIGKILL'), TRIAL_MS);
  try {
    child.send({ contender: name, trial });
    const [message] = (await Promise.race([once(child, 'message'), once(child, 'exit')])) as [unknown];
    if (typeof message === 'object' && message !== null && 'result' in message) return message.result as TrialResult;
    throw new Error(
      typeof message === 'object' && message !== null && 'error' in message
        ? String(message.error)
        : `its process ended (${message ?? 'killed'})`,
    );
  } finally {
    clearTimeout(stop);
    if (child.exitCode === null && child.signalCode === null) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
  }
}
