import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getJobResults, isJsonObject, type JobResults, type SubmitJob, submitJobs, waitForJob } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { registerLoadService } from '../../executor/load/load-database.ts';
import { type JobQueueKind, ORGANIZATIONS, openLoadPlatform } from '../../executor/load/load-platform.ts';
import type { WorkService } from '../../executor/work/work-service.ts';
import { type FlightPoint, WORK_MS } from './flight-points.ts';
import { type ExpectedStep, type FlightRound, type FlightWork, flightDatabase } from './flight-work.ts';
import { startProcesses } from './start-processes.ts';

export interface RunRound {
  readonly work: FlightWork;
  readonly queue: JobQueueKind;
  /** Absent: nobody is killed. */
  readonly point?: FlightPoint | undefined;
  readonly processes: number;
  readonly jobs: number;
  readonly service: WorkService;
}

export interface RoundOutcome {
  readonly name: string;
  readonly isKilled: boolean;
  /** Calls of the work that the jobs have in common. */
  readonly calls: number;
  readonly callsAtMost: number;
  /** Jobs that completed with the results they must have. */
  readonly right: number;
  /** From the first submission to the end of the last job. */
  readonly seconds: number;
  readonly faults: readonly string[];
}

// Longer than a process that lives may be kept from the processor, where eight of them share two.
const LEASE_MS = 3_000;
const ENDS_WITHIN_MS = 90_000;

/** Lets the processes submit their shares and run them, one of them die, and holds each job's results against what they must be. */
export async function runRound(given: RunRound): Promise<RoundOutcome> {
  const { work, queue, point, processes: count, jobs, service } = given;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-flight-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { url } = stack.use(await createPostgresDatabase(flightDatabase));
  const options = { url, serviceUrl: service.url, folder: join(folder, 'artifacts'), queue };
  await mkdir(options.folder);
  const { platform, metadata } = stack.use(await openLoadPlatform({ ...options, cached: true }));
  await registerLoadService(metadata, service.url);
  const name = `${work.name}, ${queue}, ${point ? `killed when ${point.name}` : 'nobody killed'}`;
  const round: FlightRound = { salt: name, waitMs: WORK_MS, bytes: point?.bytes ?? 2_000 };
  const requests = Array.from({ length: jobs }, (_, index): SubmitJob => {
    return { pipeline: work.pipeline, parameters: work.parametersOf(round, index), idempotencyKey: `job-${index}` };
  });
  const processes = stack.use(
    await startProcesses(
      Array.from({ length: count }, (_, at) => ({
        ...{ ...options, work: work.name, leaseMs: LEASE_MS, point: point?.name },
        requests: requests.filter((_request, index) => index % count === at),
      })),
    ),
  );
  const started = performance.now();
  await processes.begin();
  const [{ caller }] = ORGANIZATIONS;
  // The share of the dead is submitted again; of those that were accepted these are the same jobs.
  const outcomes = await submitJobs(platform, caller, requests);
  const jobIds = outcomes.flatMap(({ job }) => job?.jobId ?? []);
  const faults = outcomes.flatMap(({ index, error }) => (error ? [`job ${index} was refused: ${error.message}`] : []));
  const signal = AbortSignal.timeout(ENDS_WITHIN_MS);
  const all = await Promise.all(
    outcomes.map(async ({ index, job }) => {
      if (!job) return [];
      const { jobId } = job;
      await waitForJob(platform, caller, { jobId, signal }).catch(() => undefined);
      return findFaults(await getJobResults(platform, caller, { jobId }), work.expectedOf(round, index));
    }),
  );
  const seconds = (performance.now() - started) / 1_000;
  const keys = jobIds.flatMap((jobId) => service.callsOf(jobId)).filter(isCallOf(work.graph.middle));
  const calls = keys.length;
  const callsAtMost = point?.callsAtMost ?? 1;
  if (calls < 1 || calls > callsAtMost)
    faults.push(`${calls} calls, expected 1${callsAtMost > 1 ? ' or 2' : ''}: ${keys.join(' ')}`);
  const expectedKilled = point ? 1 : 0;
  if (processes.killed() !== expectedKilled) faults.push(`${processes.killed()} processes were killed`);
  faults.push(...processes.ended().map((ended) => `process ended by itself, ${ended}`));
  const right = all.filter((of, index) => outcomes[index]?.job && of.length === 0).length;
  return {
    name,
    isKilled: point !== undefined,
    calls,
    callsAtMost,
    right,
    seconds,
    faults: [...faults, ...all.flat()],
  };
}

/** A call's key is `<job>/<step>/<try>`. */
const isCallOf =
  (step: string) =>
  (key: string): boolean =>
    key.split('/')[1] === step;

function findFaults(results: JobResults, expected: ReadonlyMap<string, ExpectedStep>): readonly string[] {
  const { jobId, status, error, taskResults, artifacts } = results;
  if (status !== 'COMPLETED') return [`job ${jobId} is ${status} ${JSON.stringify(error)}`];
  const faults: string[] = [];
  for (const [step, { value, report }] of expected) {
    const rows = taskResults.filter(({ taskName }) => taskName === step);
    const found = rows[0]?.resultData;
    const file = isJsonObject(found?.report) ? found.report.$artifact : undefined;
    if (rows.length !== 1 || found?.value !== value || file !== report)
      faults.push(
        `job ${jobId} has ${rows.length} results of ${step}: ${JSON.stringify(found)}, expected ${value} and ${report}`,
      );
  }
  const last = [...expected.values()].at(-1);
  if (artifacts.report?.digest !== last?.report)
    faults.push(`the output of job ${jobId} is ${artifacts.report?.digest}, expected ${last?.report}`);
  return faults;
}
