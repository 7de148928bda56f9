import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  cancelJob,
  createInProcessQueue,
  createLocalArtifactStore,
  Executor,
  inOrganization,
  listTaskDefinitions,
  listTaskExecutions,
  openMetadataDatabase,
  openResultsDatabase,
  publishPipeline,
  submitJob,
  waitForJob,
} from '@mad/core';
import { createTaskRunner, registerTask, registerTaskService } from '@mad/tasks';
import { createPostgresDatabase, type DatabaseTemplate } from '@mad/testkit';
import { caller, ORG_ID, openWorkPlatform, workDatabase } from '../../executor/work/work-platform.ts';
import { runUntilDeath } from '../../run-until-death.ts';
import type { AdoptionPoint } from './adoption-points.ts';
import type { AdoptionProcess } from './adoption-process.ts';
import type { LongServices } from './long-services.ts';

export interface AdoptionCell {
  readonly point: AdoptionPoint;
  readonly contract: 'kit' | 'vendor';
  readonly services: LongServices;
}

export interface AdoptionOutcome {
  readonly point: string;
  readonly contract: string;
  readonly begun: number;
  readonly stopped: number;
  readonly faults: readonly string[];
}

const LEASE_MS = 1_500;
const SCRIPT = new URL('adoption-process.ts', import.meta.url);
const DIES_WITHIN_MS = 20_000;
const ENDS_WITHIN_MS = 60_000;

/** Submits a job, lets the process that called the service die at the point, and lets an executor of this process go on. */
export async function runAdoptionCell({ point, contract, services }: AdoptionCell): Promise<AdoptionOutcome> {
  await using stack = new AsyncDisposableStack();
  const folder = await mkdtemp(join(tmpdir(), 'mad-adoption-'));
  stack.defer(() => rm(folder, { recursive: true }));
  const { url } = stack.use(await createPostgresDatabase(adoptionDatabase(services)));
  const service = services[contract];
  const given = { url, serviceUrl: new URL(service.url).origin, folder };
  const { platform, metadata, results } = stack.use(
    await openWorkPlatform({ ...given, cached: false, connections: 3 }),
  );
  const { items } = await inOrganization(metadata, ORG_ID, (tx) => listTaskDefinitions(tx, {}));
  const definition = items.find(({ task_id }) => task_id === `${contract}-work`);
  const taskDefinitionId = definition?.task_definition_id ?? '';
  await registerTaskService(metadata, caller, { taskDefinitionId, serviceUrl: service.url });
  const mark = `${contract} ${point.name} ${Math.random()}`;
  const { jobId } = await submitJob(platform, caller, { pipeline: contract, parameters: { job: mark } });

  const faults: string[] = [];
  const told: AdoptionProcess = { ...given, leaseMs: LEASE_MS, point: point.name };
  if (!(await runUntilDeath({ script: SCRIPT, told, withinMs: DIES_WITHIN_MS })))
    faults.push('its point was not passed');
  if (point.isCanceled) await cancelJob(platform, caller, { jobId });
  const executor = stack.use(new Executor(platform, { leaseMs: LEASE_MS }));
  executor.start();
  const status = await waitForJob(platform, caller, { jobId, signal: AbortSignal.timeout(ENDS_WITHIN_MS) }).catch(
    (error: unknown) => `not over: ${String(error)}`,
  );
  const expected = point.isCanceled ? 'CANCELED' : 'COMPLETED';
  if (status !== expected) faults.push(`the job is ${status}, expected ${expected}`);
  // A handler learns in its own time that it is to stop.
  for (let waited = 0; point.isCanceled && services.recordOf(mark).stopped === 0 && waited < 2_000; waited += 50)
    await setTimeout(50);
  const { begun, stopped } = services.recordOf(mark);
  if (begun !== 1) faults.push(`its work was begun ${begun} times`);
  if (stopped !== (point.isCanceled ? 1 : 0)) faults.push(`its work was stopped ${stopped} times`);
  const [first] = await listTaskExecutions(results, { jobId });
  if (status === 'FAILED') faults.push(JSON.stringify(first?.error));
  const isNoted = first?.external_id !== null && first?.external_id !== undefined;
  if (isNoted === (point.needsKey ?? false)) faults.push(`external_id is ${first?.external_id} on the first attempt`);
  return { point: point.name, contract, begun, stopped, faults };
}

/** Both tasks, and a pipeline for each of them. */
const adoptionDatabase = (services: LongServices): DatabaseTemplate<unknown> => ({
  name: 'checks_adoption',
  async fill(db) {
    await workDatabase.fill(db);
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const artifacts = createLocalArtifactStore({ folder: '/nonexistent' });
    await using tasks = createTaskRunner({ metadata, artifacts, allowedOrigins: [] });
    const results = openResultsDatabase(db, { schema: 'org_check' });
    const platform = {
      metadata,
      artifacts,
      tasks,
      queue: createInProcessQueue(),
      results: { get: async () => results },
    };
    for (const name of ['kit', 'vendor'] as const) {
      await registerTask(metadata, caller, { document: services[name].document });
      const task = {
        ...{ name: 'work', task: `${name}-work@^1` },
        inputs: { job: { from: '/parameters/job' } },
      };
      const parameters = { type: 'object', properties: { job: { type: 'string' } }, required: ['job'] };
      const spec = { version: 1 as const, parameters, tasks: [task] };
      await publishPipeline(platform, caller, { name, version: '1.0.0', spec });
    }
  },
});
