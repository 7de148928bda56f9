import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Executor, submitJob, waitForJob } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { runUntilDeath } from '../../run-until-death.ts';
import { auditJob, type Fault } from '../work/audit-job.ts';
import { readJobRecord, untilMirrored } from '../work/job-record.ts';
import type { WorkGraph } from '../work/work-graphs.ts';
import { caller, openWorkPlatform, registerWorkService, workDatabase } from '../work/work-platform.ts';
import type { WorkService } from '../work/work-service.ts';
import type { CrashPoint } from './crash-points.ts';
import type { CrashProcess } from './crash-process.ts';

/** One point at one graph. */
export interface CrashCell {
  readonly point: CrashPoint;
  readonly graph: WorkGraph;
  readonly service: WorkService;
  readonly leaseMs: number;
}

export interface CrashOutcome {
  readonly point: string;
  readonly graph: string;
  readonly faults: readonly Fault[];
  /** From the kill to the first event that the next executor wrote; null where the job was over. */
  readonly resumeMs: number | null;
  /** From the end of the job, or its recovery, until the mirror agreed. */
  readonly mirrorMs: number | null;
  /** Calls of the service beyond one a step. */
  readonly extraCalls: number;
}

const SCRIPT = new URL('crash-process.ts', import.meta.url);
const DIES_WITHIN_MS = 60_000;
const ENDS_WITHIN_MS = 60_000;
const MIRRORED_WITHIN_MS = 5_000;

/** Submits a job, lets the process that runs it die at the point, lets an executor of this process finish it, and looks at what is left. */
export async function runCrashCell({ point, graph, service, leaseMs }: CrashCell): Promise<CrashOutcome> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-crash-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { url } = stack.use(await createPostgresDatabase(workDatabase));
  const given = { url, serviceUrl: service.url, folder };
  const { platform, metadata, results } = stack.use(
    await openWorkPlatform({ ...given, cached: point.cached ?? false, connections: 3 }),
  );
  await registerWorkService(metadata, service.url);
  const parameters = {
    salt: `${point.name} ${graph.name}`,
    bytes: point.bytes ?? 2_000,
    wait_ms: point.waitMs ?? 0,
  };
  const { jobId } = await submitJob(platform, caller, { pipeline: graph.name, parameters: { ...parameters } });

  const told: CrashProcess = { ...given, leaseMs, point: point.name, graph: graph.name };
  const died = await runUntilDeath({ script: SCRIPT, told, withinMs: DIES_WITHIN_MS });
  const killedAt = Date.now();
  const calls = service.callsOf(jobId);
  const at = await readJobRecord(results, jobId);
  const before = { calls, committed: new Set(at.results.map(({ task_name }) => task_name)) };

  const executor = stack.use(new Executor(platform, { leaseMs }));
  executor.start();
  await waitForJob(platform, caller, { jobId, signal: AbortSignal.timeout(ENDS_WITHIN_MS) }).catch(() => undefined);
  const mirrorMs = await untilMirrored({ metadata, results }, { jobId, withinMs: MIRRORED_WITHIN_MS });
  const record = await readJobRecord(results, jobId);
  const faults = [...auditJob({ record, graph, parameters, calls: service.callsOf(jobId), before })];
  if (!died)
    faults.push({ kind: 'wrong', what: `the point was not passed; the way led to ${at.events.at(-1)?.event}` });
  if (mirrorMs === undefined) faults.push({ kind: 'wrong', what: 'jobs_meta does not tell what jobs tells' });
  const resumed = record.events[at.events.length];
  return {
    ...{ point: point.name, graph: graph.name, faults },
    resumeMs: resumed ? Math.max(0, new Date(resumed.ts).getTime() - killedAt) : null,
    mirrorMs: mirrorMs ?? null,
    extraCalls: service.callsOf(jobId).length - Object.keys(graph.steps).length,
  };
}
