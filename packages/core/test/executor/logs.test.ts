import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { Flights } from '../../src/executor/flights.ts';
import type { JobRun } from '../../src/executor/job-run.ts';
import { keepLeases } from '../../src/executor/keep-leases.ts';
import {
  createInProcessQueue,
  createMirror,
  Executor,
  type Logger,
  mirrorJobs,
  newId,
  openResultsDatabase,
  type Platform,
  publishPipeline,
  type ResultsDatabase,
  submitJob,
} from '../../src/index.ts';
import { createTestTasks, ORG_ID, openTestPlatform, step, type TestPlatform } from './test-platform.ts';

interface Line {
  readonly facts: unknown;
  readonly message: unknown;
}

const away = new TypeError('the database is away');
let host: TestPlatform;
let platform: Platform;
let isAway: boolean;
const lines: Line[] = [];
const note = (facts: unknown, message: unknown): void => void lines.push({ facts, message });
const logger: Logger = { debug: note, info: note, warn: note, error: note };
const factsOf = (message: string): unknown => lines.find((line) => String(line.message).includes(message))?.facts;

beforeAll(async () => {
  const crash = () => {
    throw new TypeError('a fault of the runner');
  };
  host = await openTestPlatform('pglite', createTestTasks({ crash }));
  const results = {
    async get(orgId: string): Promise<ResultsDatabase> {
      if (isAway) throw away;
      return host.platform.results.get(orgId);
    },
  };
  platform = { ...host.platform, logger, results };
});
afterAll(() => host[Symbol.asyncDispose]());
beforeEach(() => {
  isAway = false;
  lines.length = 0;
});

test('each line gives its facts before its message, and names the organization and the job', async () => {
  const queue = createInProcessQueue({ logger });
  await using executor = new Executor({ ...platform, queue }, { recoverEveryMs: 20 });
  await publishPipeline(platform, host.caller, {
    name: 'crashing',
    version: '1.0.0',
    spec: { version: 1, tasks: [step('crash')] },
  });
  executor.start();
  const { jobId } = await submitJob({ ...platform, queue }, host.caller, { pipeline: 'crashing' });
  await expect.poll(() => factsOf('runner threw')).toMatchObject({ org_id: ORG_ID, job_id: jobId, step: 'crash' });
  isAway = true;
  const lost = newId();
  await queue.enqueue([{ orgId: ORG_ID, jobId: lost, priority: 0 }]);
  for (const message of ['was broken off', 'a delivery failed'])
    await expect.poll(() => factsOf(message)).toEqual({ err: away, org_id: ORG_ID, job_id: lost });
  await expect.poll(() => factsOf('recovery could not')).toEqual({ err: away, org_id: expect.any(String) });
  for (const { facts, message } of lines) {
    expect(facts).toMatchObject({ org_id: expect.any(String), err: expect.any(Error) });
    expect(message).toEqual(expect.any(String));
  }
});

test('a job of an organization that is not there is dropped, not delivered for ever', async () => {
  const queue = createInProcessQueue({ logger });
  await using executor = new Executor({ ...platform, queue }, { recoverEveryMs: 60_000 });
  executor.start();
  const [orgId, jobId] = [newId(), newId()];
  await queue.enqueue([{ orgId, jobId, priority: 0 }]);
  await expect
    .poll(() => factsOf('no results database'))
    .toMatchObject({ org_id: orgId, job_id: jobId, err: { code: 'MAD_CORE_NOT_FOUND' } });
  await expect.poll(() => queue.depth()).toEqual([]);
  expect(factsOf('a delivery failed')).toBeUndefined();
});

test('a line about many jobs says how many and names the first', async () => {
  isAway = true;
  const jobIds = Array.from({ length: 30 }, () => newId());
  await mirrorJobs(platform, { orgId: ORG_ID, jobIds });
  const many = { err: away, org_id: ORG_ID, jobs: 30, job_ids: jobIds.slice(0, 20) };
  expect(lines.map(({ facts }) => facts)).toEqual([many]);
  {
    await using mirror = createMirror(platform, { pauseMs: 0 });
    mirror.noteIds(ORG_ID, jobIds);
    await expect.poll(() => lines.length).toBe(2);
    isAway = false;
  }
  expect(lines[1]?.facts).toEqual(many);
});

test('a new job that cannot be queued is named', async () => {
  const enqueue = async () => {
    throw away;
  };
  await publishPipeline(platform, host.caller, {
    name: 'waiting',
    version: '1.0.0',
    spec: { version: 1, tasks: [step('crash')] },
  });
  const queue = { ...platform.queue, enqueue };
  const { jobId } = await submitJob({ ...platform, queue }, host.caller, { pipeline: 'waiting' });
  expect(lines.map(({ facts }) => facts)).toEqual([
    { err: away, org_id: ORG_ID, job_id: jobId },
    { err: away, org_id: ORG_ID, job_id: jobId },
  ]);
});

test('leases that cannot be renewed are named', async () => {
  const results = openResultsDatabase(host.metadata.withSchema('nowhere') as never, { schema: 'nowhere' });
  const run = { jobId: newId(), fence: 1, isHeld: true, drop: () => {} } as unknown as JobRun;
  using leases = keepLeases({
    ...{ orgId: ORG_ID, results, logger },
    leaseMs: 60_000,
    flights: new Flights({ orgId: ORG_ID, results, holder: 'w', leaseMs: 60_000, logger }),
    runs: new Map([[run.jobId, run]]),
  });
  await leases.look();
  expect(lines.map(({ facts }) => facts)).toMatchObject([{ org_id: ORG_ID, job_id: run.jobId }]);
});
