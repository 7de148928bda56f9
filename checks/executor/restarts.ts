import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { connectPostgres } from '@mad/core';
import { startPostgresServer } from '@mad/testkit';
import type { Check, CheckSize } from '../check.ts';
import { auditLoad } from './load/audit-load.ts';
import { disturb } from './load/disturb.ts';
import { startFleet } from './load/executor-fleet.ts';
import { loadDatabase, registerLoadService } from './load/load-database.ts';
import { PAIR } from './load/load-graphs.ts';
import { ORGANIZATIONS, openLoadPlatform } from './load/load-platform.ts';
import { submitLoad } from './load/submit-load.ts';
import { watchJobs } from './load/watch-jobs.ts';
import { startWorkService } from './work/work-service.ts';

interface Restarts {
  readonly jobs: number;
  readonly processes: number;
  readonly concurrency: number;
  readonly firstStepMs: number;
  /** From the end of one restart to the next one. */
  readonly everyMs: readonly [from: number, to: number];
  /** Fewer would show nothing. */
  readonly atLeast: number;
  readonly atMost: number;
  readonly withinMs: number;
}

const SIZES: Readonly<Record<CheckSize, Restarts>> = {
  full: {
    ...{ jobs: 5_000, processes: 2, concurrency: 16, firstStepMs: 150, everyMs: [5_000, 10_000] },
    ...{ atLeast: 3, atMost: 1_000, withinMs: 900_000 },
  },
  small: {
    ...{ jobs: 100, processes: 1, concurrency: 8, firstStepMs: 150, everyMs: [700, 1_000] },
    ...{ atLeast: 2, atMost: 2, withinMs: 45_000 },
  },
};

const EXECUTOR = { leaseMs: 2_000, recoverEveryMs: 2_000 };
const SETTINGS = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];
const MIRRORED_WITHIN_MS = 60_000;

/**
 * Jobs of two steps at a service, on executors in processes of their own, while both databases' server is stopped and started again and again: in
 * turn by breaking its connections off, and by a crash from which it recovers. Every job must complete, with every result and event once.
 */
export const restartsCheck: Check = {
  name: 'restarts',
  async run(size, print) {
    const { jobs: count, processes, concurrency, firstStepMs, withinMs, ...restarting } = SIZES[size];
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'mad-restarts-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const service = stack.use(await startWorkService());
    const server = stack.use(await startPostgresServer({ settings: SETTINGS }));
    const url = server.url();
    const db = connectPostgres({ connectionString: url, max: 2 });
    await loadDatabase.fill(db).finally(() => db.destroy());
    const [organization] = ORGANIZATIONS;
    const given = { url, serviceUrl: service.url, folder, queue: 'in-process' as const };
    const { platform, metadata, resultsOf } = stack.use(await openLoadPlatform(given));
    await registerLoadService(metadata, service.url);
    // The queue of this process has no consumer: the executors find the jobs in the Results DB.
    const load = { organization, graph: PAIR, count, waitMs: firstStepMs, bytes: 500 };
    const jobs = await submitLoad(platform, load);
    const watch = stack.use(watchJobs(url, organization));

    const started = performance.now();
    const executor = { ...EXECUTOR, concurrency };
    const fleet = stack.use(await startFleet(processes, { ...given, connections: 6, executor, isLoud: false }));
    const [from, to] = restarting.everyMs;
    const restarter = stack.use(
      disturb({
        pause: (signal) => setTimeout(from + Math.random() * (to - from), undefined, { signal }),
        act: (times) => server.restart(times % 2 === 0 ? 'immediate' : 'fast').then(() => true),
        atMost: restarting.atMost,
      }),
    );
    const { open } = await watch.until((seen) => seen.open === 0, {
      withinMs,
      onLook: fleet.requireAll,
      onSeen: (seen) => print(`restarts: ${count - seen.open} of ${count} jobs, ${restarter.count()} restarts`),
    });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    await restarter.stop();
    const restarts = restarter.count();
    const { unmirrored } = await watch.until((seen) => seen.unmirrored === 0, { withinMs: MIRRORED_WITHIN_MS });
    const audit = await auditLoad({ results: resultsOf(organization), graph: PAIR, jobs, service });
    for (const fault of audit.faults.slice(0, 20)) print(`restarts: ${fault}`);

    const { right, lost, doubled, extraCalls, crashes, resumed, faults } = audit;
    return {
      passed: right === count && open === 0 && unmirrored === 0 && restarts >= restarting.atLeast,
      line:
        `restarts ${right}/${count} right, lost ${lost}, doubled ${doubled}, ${restarts} restarts of PostgreSQL, ${resumed} jobs resumed, ` +
        `${extraCalls} calls made again, jobs_meta differs for ${unmirrored}, in ${seconds} s`,
      figures: {
        ...{ count, right, lost, doubled, restarts, extraCalls, crashes, resumed, unmirrored, seconds },
        faults,
      },
    };
  },
};
