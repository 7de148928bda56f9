import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { Executor, submitJob, type TaskRunner, waitForJob } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { auditJob } from '../work/audit-job.ts';
import { type JobRecord, readJobRecord } from '../work/job-record.ts';
import type { WorkGraph } from '../work/work-graphs.ts';
import { caller, openWorkPlatform, registerWorkService, workDatabase } from '../work/work-platform.ts';
import type { WorkService } from '../work/work-service.ts';
import type { ZombieProcess, ZombieWord } from './zombie-process.ts';

export interface ZombieRound {
  readonly jobs: number;
  readonly graph: WorkGraph;
  /** The step whose answers the zombie holds when it is stopped. */
  readonly step: string;
  /** Whether it wakes while the next executor runs the jobs, when only the fence tells the two apart, or when that one has finished them. */
  readonly wakes: 'while they run' | 'when they are over';
  readonly service: WorkService;
  readonly leaseMs: number;
}

export interface ZombieOutcome {
  /** Jobs of which the zombie tried a write after it woke: a commit, or a renewal of the lease that came before it. */
  readonly tried: number;
  /** Of those, jobs of which it tried a commit. */
  readonly commits: number;
  /** Of those tried, jobs whose run ended with the loss of the lease, by the zombie's own word, and whose rows did not change. */
  readonly refused: number;
  readonly faults: readonly string[];
}

const WITHIN_MS = 60_000;
/** Longer than a refused commit and the renewal that follows it take. */
const SETTLES_MS = 1_000;

/** Stops an executor with all answers in its hands, lets another one take its jobs, wakes it, and compares every row with what it was before. */
export async function runZombieRound(round: ZombieRound): Promise<ZombieOutcome> {
  const { jobs, graph, step, wakes, service, leaseMs } = round;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-zombie-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { url } = stack.use(await createPostgresDatabase(workDatabase));
  const given = { url, serviceUrl: service.url, folder };
  const { platform, metadata, results } = stack.use(
    await openWorkPlatform({ ...given, cached: false, connections: 8 }),
  );
  await registerWorkService(metadata, service.url);
  const parametersOf = (index: number) => ({ salt: `${step} ${index}`, bytes: 500, wait_ms: 0 });
  const submitted = await Promise.all(
    Array.from({ length: jobs }, (_, index) =>
      submitJob(platform, caller, { pipeline: graph.name, parameters: parametersOf(index) }),
    ),
  );
  const jobIds = submitted.map(({ jobId }) => jobId);
  const readAll = () => Promise.all(jobIds.map((jobId) => readJobRecord(results, jobId)));

  const zombie = startZombie({ ...given, leaseMs, jobs, step });
  stack.defer(() => zombie.end());
  await zombie.untilStopped();
  const stopped = await readAll();
  const calls = jobIds.map((jobId) => service.callsOf(jobId));

  const gate = createGate(platform.tasks);
  const options = { leaseMs, concurrency: jobs, recoverEveryMs: 1_000 };
  stack.use(new Executor({ ...platform, tasks: gate.tasks }, options)).start();
  const signal = AbortSignal.timeout(WITHIN_MS);
  const finish = async () => {
    gate.open();
    await Promise.all(jobIds.map((jobId) => waitForJob(platform, caller, { jobId, signal })));
  };
  if (wakes === 'when they are over') await finish();
  else await until(() => gate.waiting.size === jobs, 'the next executor did not take all jobs over');
  const asleep = await readAll();
  zombie.wake();
  await zombie.untilSettled(jobs);
  const awake = await readAll();
  await finish();
  const finished = await readAll();

  const faults: string[] = [];
  for (const [index, record] of finished.entries()) {
    const { job_id: jobId } = record.job;
    const committed = new Set((stopped[index]?.results ?? []).map(({ task_name }) => task_name));
    const before = { committed, calls: calls[index] ?? [] };
    const found = auditJob({
      ...{ record, graph, parameters: parametersOf(index) },
      ...{ calls: service.callsOf(jobId), before },
    });
    faults.push(...found.map(({ what }) => `${jobId}: ${what}`));
    if (!isDeepStrictEqual(unleased(awake[index]), unleased(asleep[index])))
      faults.push(`${jobId}: the zombie has changed it`);
  }
  const tried = jobIds.filter((jobId) => zombie.committed.has(jobId) || zombie.renewed.has(jobId));
  const refused = tried.filter(
    (jobId) => zombie.refused.has(jobId) && !faults.some((fault) => fault.startsWith(jobId)),
  );
  const commits = tried.filter((jobId) => zombie.committed.has(jobId));
  return { tried: tried.length, commits: commits.length, refused: refused.length, faults };
}

/** Without what the next executor's own renewals change. */
function unleased(record: JobRecord | undefined) {
  return { ...record, job: { ...record?.job, lease_expires_at: null } };
}

/** Lets the next executor's calls wait until it is opened, and tells which jobs wait. */
function createGate(runner: TaskRunner) {
  const opened = Promise.withResolvers<void>();
  const waiting = new Set<string>();
  const tasks: TaskRunner = {
    resolve: (orgId, task) => runner.resolve(orgId, task),
    prepare: (orgId, call) => runner.prepare(orgId, call),
    async run(call) {
      waiting.add(call.jobId);
      await opened.promise;
      return runner.run(call);
    },
  };
  return { tasks, waiting, open: () => opened.resolve() };
}

function startZombie(told: ZombieProcess) {
  const script = fileURLToPath(new URL('zombie-process.ts', import.meta.url));
  const child = spawn(process.execPath, [script, JSON.stringify(told)], { stdio: ['pipe', 'pipe', 'inherit'] });
  const [committed, renewed, refused] = [new Set<string>(), new Set<string>(), new Set<string>()];
  createInterface({ input: child.stdout }).on('line', (line) => {
    const word = JSON.parse(line) as ZombieWord;
    if (word.said === 'committing') for (const jobId of word.jobIds) committed.add(jobId);
    if (word.said === 'renewing') for (const jobId of word.jobIds) renewed.add(jobId);
    if (word.said === 'refused') refused.add(word.jobId);
  });
  const kill = () => child.kill('SIGKILL');
  process.once('exit', kill);
  return {
    committed,
    renewed,
    refused,
    untilStopped: () => until(() => isStopped(child), 'the executor did not stop itself with all answers in its hands'),
    wake: () => child.kill('SIGCONT'),
    async untilSettled(jobs: number) {
      await until(() => refused.size === jobs).catch(() => undefined);
      await setTimeout(SETTLES_MS);
    },
    async end() {
      process.off('exit', kill);
      if (child.exitCode !== null || child.signalCode !== null) return;
      const exit = once(child, 'exit');
      kill();
      await exit;
    },
  };
}

async function until(isSo: () => boolean, otherwise = 'it did not happen in time'): Promise<void> {
  for (const started = performance.now(); !isSo(); ) {
    if (performance.now() - started > WITHIN_MS) throw new TypeError(otherwise);
    await setTimeout(20);
  }
}

/** By the kernel's word. */
function isStopped({ pid, exitCode, signalCode }: ChildProcess): boolean {
  if (exitCode !== null || signalCode !== null) throw new TypeError('the executor ended before it was stopped');
  return /^\d+ \(.*\) [Tt]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
}
