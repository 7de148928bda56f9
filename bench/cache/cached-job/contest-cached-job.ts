import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor, getJobResults, type Platform, submitJob, waitForJob } from '@mad/core';
import { Client } from 'pg';
import { type BenchServer, startBenchServer } from '../../durable/bench-server.ts';
import { atMost, number } from '../../goal.ts';
import { median, quantile } from '../../median.ts';
import type { CacheContest } from '../contest.ts';
import { caller, openCachedPlatform, REQUEST } from './cached-platform.ts';
import { countStatements } from './count-statements.ts';

export interface CachedJobSize {
  /** @default 1,000 */
  readonly jobs?: number;
}

/** What is timed in turns, so that all of them see the same machine. */
type Timed = 'read' | 'write' | 'submit' | 'results';

const WHAT: Readonly<Record<Timed, string>> = {
  read: 'one simple statement that reads: a row of jobs by its key',
  write: 'one simple statement that writes: a row, durable',
  submit: 'a cached job of three steps, submitted and answered as COMPLETED, durable',
  results: 'its results read, with getJobResults',
};

/** A job of three steps whose result is known, submitted, answered and read, beside single statements on the same server, in turns. */
export async function contestCachedJob(
  print: (line: string) => void,
  { jobs = 1_000 }: CachedJobSize = {},
): Promise<CacheContest> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-bench-cache-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const server: BenchServer = stack.use(await startBenchServer());
  const url = await server.create('cached_job');
  const { platform } = stack.use(await openCachedPlatform({ url, folder }));
  const known = await computeOnce(platform);
  const client = stack.adopt(new Client({ connectionString: url }), (open) => open.end());
  await client.connect();
  await client.query('create table bare (id bigint primary key, value text); create extension pg_stat_statements');

  const times: Record<Timed, number[]> = { read: [], write: [], submit: [], results: [] };
  const time = async <Result>(timed: Timed, run: () => Promise<Result>): Promise<Result> => {
    const began = performance.now();
    const result = await run();
    times[timed].push(performance.now() - began);
    return result;
  };
  const warmUp = Math.ceil(jobs / 10);
  for (let at = 0; at < warmUp + jobs; at++) {
    await time('read', () => client.query({ name: 'read', text: READ, values: [known] }));
    await time('write', () => client.query({ name: 'write', text: WRITE, values: [at] }));
    const { jobId, status, cache } = await time('submit', () => submitJob(platform, caller, REQUEST));
    if (!cache.hit || status !== 'COMPLETED')
      throw new TypeError(`expected a job that is answered at once, it is ${status}`);
    await time('results', () => getJobResults(platform, caller, { jobId }));
  }
  for (const of of Object.values(times)) of.splice(0, warmUp);
  const sent = {
    submit: () => submitJob(platform, caller, REQUEST),
    results: () => getJobResults(platform, caller, { jobId: known }),
  };
  for (const [what, run] of Object.entries(sent))
    for (const { calls, text } of await countStatements(client, { times: 100, run }))
      print(`${what}: ${number(calls, 2)}× ${text}`);
  return toContest(times);
}

const READ = 'select * from org_a.jobs where job_id = $1';
const WRITE = "insert into bare values ($1, 'value')";

/** @returns the job that ran. */
async function computeOnce(platform: Platform): Promise<string> {
  await using executor = new Executor(platform);
  executor.start();
  const { jobId } = await submitJob(platform, caller, REQUEST);
  const status = await waitForJob(platform, caller, { jobId });
  if (status !== 'COMPLETED') throw new TypeError(`expected the first job to complete, it is ${status}`);
  return jobId;
}

function toContest(times: Readonly<Record<Timed, readonly number[]>>): CacheContest {
  const statement = median(times.write);
  const rows = (Object.keys(WHAT) as Timed[]).map((timed) => [
    WHAT[timed],
    number(median(times[timed]), 3),
    number(quantile(times[timed], 0.95), 3),
    number(median(times[timed]) / statement, 1),
    number(median(times[timed]) / median(times.read), 1),
  ]);
  return {
    rows: [['one after the other', 'p50 ms', 'p95 ms', 'writes', 'reads'], ...rows],
    goals: [atMost('p50 of a cached job in durable statements', 3, median(times.submit) / statement)],
  };
}
