import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { Executor } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { startFleet } from '../load/executor-fleet.ts';
import { loadDatabase, registerLoadService } from '../load/load-database.ts';
import { type JobQueueKind, type LoadOrganization, openLoadPlatform } from '../load/load-platform.ts';
import { type PlainLimits, toQueueLimits } from '../load/plain-limits.ts';
import { submitLoad } from '../load/submit-load.ts';
import { watchJobs } from '../load/watch-jobs.ts';
import type { WorkGraph } from '../work/work-graphs.ts';
import { startWorkService } from '../work/work-service.ts';
import { readTimeline } from './read-timeline.ts';
import { watchService } from './watch-service.ts';

/** Jobs that one organization submits together. */
export interface Arrival {
  readonly organization: LoadOrganization;
  readonly graph: WorkGraph;
  readonly resourceClass: string;
  readonly count: number;
  /** After the arrival before it. */
  readonly afterMs: number;
}

export interface FairShareRun {
  readonly queue: JobQueueKind;
  /** 0: the executor is in this process. */
  readonly processes: number;
  readonly concurrency: number;
  /** How long the service takes for a job. */
  readonly serviceMs: number;
  readonly limits: PlainLimits;
  readonly arrivals: readonly Arrival[];
  /** Run to their end before the others arrive: a process compiles the task's interface with its first job. Their times do not count. */
  readonly warmUp: Arrival;
  readonly withinMs: number;
  readonly onSeen?: ((seen: { readonly open: number }) => void) | undefined;
}

export interface FairShareOutcome {
  /** Jobs that did not complete. */
  readonly incomplete: number;
  /** How long each organization's jobs waited, ascending, by its id. */
  readonly waitsMs: Readonly<Record<string, readonly number[]>>;
  /** How long each organization's jobs took from their start to their end, ascending, by its id. */
  readonly runsMs: Readonly<Record<string, readonly number[]>>;
  /** By the name of an organization or resource class: its limit, and the most that ran at a time, as the service and as the rows tell. */
  readonly limits: readonly { readonly name: string; readonly limit: number; readonly most: number }[];
  readonly seconds: number;
}

const LEASE_MS = 10_000;

/** Lets organizations queue jobs one after the other, runs them all, and tells who waited how long and how many ran at a time. */
export async function runFairShare(run: FairShareRun): Promise<FairShareOutcome> {
  const { queue, processes, concurrency, serviceMs, limits, arrivals } = run;
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-fair-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const service = stack.use(await startWorkService());
  const { url } = stack.use(await createPostgresDatabase(loadDatabase));
  const given = { url, serviceUrl: service.url, folder, queue, connections: processes === 0 ? 8 : 3 };
  const { platform, metadata } = stack.use(await openLoadPlatform({ ...given, limits: toQueueLimits(limits) }));
  await registerLoadService(metadata, service.url);
  const timeline = stack.use(readTimeline(url));
  const belongsTo = new Map<string, readonly string[]>();
  const serviceWatch = stack.use(watchService(service, (jobId) => belongsTo.get(jobId) ?? []));
  const options = { concurrency, leaseMs: LEASE_MS };
  const told = { ...given, limits, executor: options, isLoud: false };
  const fleet = processes > 0 ? stack.use(await startFleet(processes, told)) : undefined;
  if (!fleet) stack.use(new Executor(platform, options)).start();

  const arrive = async ({ organization, graph, resourceClass, count }: Arrival): Promise<void> => {
    const jobs = await submitLoad(platform, { organization, graph, count, waitMs: serviceMs, bytes: 100 });
    for (const { jobId } of jobs) belongsTo.set(jobId, [organization.orgId, resourceClass]);
  };
  const untilOver = async (organization: LoadOrganization): Promise<number> => {
    await using watch = watchJobs(url, organization);
    const seen = await watch.until(({ open }) => open === 0, {
      ...{ withinMs: run.withinMs, onSeen: run.onSeen, onLook: fleet?.requireAll },
    });
    return seen.open + seen.failed;
  };
  await arrive(run.warmUp);
  let incomplete = await untilOver(run.warmUp.organization);

  const started = performance.now();
  for (const arrival of arrivals) {
    await setTimeout(arrival.afterMs);
    await arrive(arrival);
  }
  const organizations = new Set(arrivals.map(({ organization }) => organization));
  for (const organization of organizations) incomplete += await untilOver(organization);
  const seconds = Math.round((performance.now() - started) / 100) / 10;
  const list = async (...between: Parameters<typeof timeline.listTimesMs>[1]) => {
    const times = [...organizations].map(
      async (each) => [each.orgId, await timeline.listTimesMs(each, between)] as const,
    );
    return Object.fromEntries(await Promise.all(times));
  };
  const [byRows, byService] = [await timeline.mostAtATime(), serviceWatch.mostAtATime()];
  const named = Object.entries({ ...limits.perOrganization, ...limits.perResourceClass });
  return {
    incomplete,
    waitsMs: await list('QUEUED', 'STARTED'),
    runsMs: await list('STARTED', 'COMPLETED'),
    limits: named.map(([name, limit]) => {
      return { name, limit, most: Math.max(byRows.get(name) ?? 0, byService.get(name) ?? 0) };
    }),
    seconds,
  };
}
