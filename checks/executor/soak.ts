import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { createPostgresDatabase } from '@mad/testkit';
import type { Check, CheckSize } from '../check.ts';
import { auditLoad } from './load/audit-load.ts';
import { disturb } from './load/disturb.ts';
import { startFleet } from './load/executor-fleet.ts';
import { loadDatabase, registerLoadService } from './load/load-database.ts';
import { ORGANIZATIONS, openLoadPlatform } from './load/load-platform.ts';
import { submitLoad } from './load/submit-load.ts';
import { watchJobs } from './load/watch-jobs.ts';
import { CHAIN } from './work/work-graphs.ts';
import { startWorkService } from './work/work-service.ts';

interface Soak {
  readonly jobs: number;
  readonly processes: number;
  readonly killEveryMs: number;
  /** Fewer would show nothing. */
  readonly killsAtLeast: number;
  readonly killsAtMost: number;
  readonly withinMs: number;
}

const SIZES: Readonly<Record<CheckSize, Soak>> = {
  full: { jobs: 1_000, processes: 4, killEveryMs: 3_000, killsAtLeast: 5, killsAtMost: 1_000, withinMs: 600_000 },
  small: { jobs: 60, processes: 2, killEveryMs: 1_000, killsAtLeast: 1, killsAtMost: 2, withinMs: 40_000 },
};

// One job and one step at a time in each process: then a kill can cut off one call, and one call only may be made again for it.
const EXECUTOR = { concurrency: 1, stepConcurrency: 1, leaseMs: 2_000, recoverEveryMs: 2_000 };
const MIDDLE_STEP_MS = 20;
const MIRRORED_WITHIN_MS = 30_000;

/**
 * Chains of five steps at a service, on several executors in processes of their own behind one pg-boss queue, of which one after the other is killed with
 * SIGKILL and replaced. Every job must complete, with every result and event once; the service may see one more call for each kill.
 */
export const soakCheck: Check = {
  name: 'soak',
  async run(size, print) {
    const { jobs: count, processes, withinMs, ...killing } = SIZES[size];
    await using stack = new AsyncDisposableStack();
    const folder = await mkdtemp(join(tmpdir(), 'mad-soak-'));
    stack.defer(() => rm(folder, { recursive: true }));
    const service = stack.use(await startWorkService());
    const { url } = stack.use(await createPostgresDatabase(loadDatabase));
    const [organization] = ORGANIZATIONS;
    const given = { url, serviceUrl: service.url, folder, queue: 'pg-boss' as const };
    const { platform, metadata, resultsOf } = stack.use(await openLoadPlatform(given));
    await registerLoadService(metadata, service.url);
    const watch = stack.use(watchJobs(url, organization));
    const fleet = stack.use(await startFleet(processes, { ...given, executor: EXECUTOR, isLoud: false }));

    const started = performance.now();
    const jobs = await submitLoad(platform, { organization, graph: CHAIN, count, waitMs: MIDDLE_STEP_MS, bytes: 500 });
    const killer = stack.use(
      disturb({
        pause: (signal) => setTimeout(killing.killEveryMs, undefined, { signal }),
        act: () => fleet.replaceOldest(),
        atMost: killing.killsAtMost,
      }),
    );
    const { open } = await watch.until((seen) => seen.open === 0, {
      withinMs,
      onLook: fleet.requireAll,
      onSeen: (seen) => print(`soak: ${count - seen.open} of ${count} jobs`),
    });
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    await killer.stop();
    const kills = killer.count();
    const { unmirrored } = await watch.until((seen) => seen.unmirrored === 0, { withinMs: MIRRORED_WITHIN_MS });
    const audit = await auditLoad({ results: resultsOf(organization), graph: CHAIN, jobs, service });
    for (const fault of audit.faults.slice(0, 20)) print(`soak: ${fault}`);

    const { right, lost, doubled, extraCalls, crashes, resumed, faults } = audit;
    const isRight = right === count && open === 0 && unmirrored === 0;
    return {
      passed: isRight && extraCalls <= kills && kills >= killing.killsAtLeast,
      line:
        `soak ${right}/${count} complete, lost ${lost}, doubled ${doubled}, kills ${kills}, extra calls ${extraCalls} (at most ${kills}), ` +
        `jobs_meta differs for ${unmirrored}, in ${seconds} s`,
      figures: { ...{ count, right, lost, doubled, kills, extraCalls, crashes, resumed, unmirrored, seconds }, faults },
    };
  },
};
