import { createInProcessQueue, Executor, type JobQueue, type Platform } from '@mad/core';
import { openMortalDatabase } from './mortal-database.ts';
import type { PropertyWorld } from './property-world.ts';
import type { RandomCase, RandomCrash } from './random-case.ts';
import { createScriptedTasks, type Life, type TriedJob } from './scripted-tasks.ts';

/** The executors of a case: those whose database goes away, one after the other, one that stays, and rivals beside them. */
export interface Lives {
  /** Fills the queue of the first; its own database stays. */
  readonly platform: Platform;
  start(): void;
  /** How often a database went away. */
  readonly crashed: number;
  /** Stops all that lives. */
  end(): Promise<void>;
}

/** The lease is short, so that a job is soon taken over. A crash is an accident here and never the job's fault. */
const OPTIONS = { leaseMs: 250, recoverEveryMs: 40, stopGraceMs: 0, maxCrashes: 1_000 };

export function prepareLives(
  world: PropertyWorld,
  { random, jobs }: { readonly random: RandomCase; readonly jobs: ReadonlyMap<string, TriedJob> },
): Lives {
  const { concurrency, stepConcurrency } = random;
  const crashes = world.url === undefined ? [] : [...random.crashes];
  const first = createInProcessQueue();
  const alive = new Set<AsyncDisposable>();
  let isEnded = false;
  let crashed = 0;

  const toLife = (): Life => ({ stepConcurrency, running: new Map(), isOver: false });

  function toTasks(life: Life) {
    return createScriptedTasks({ life, jobs, results: world.results });
  }

  function begin({
    crash,
    queue = createInProcessQueue(),
  }: {
    crash: RandomCrash | undefined;
    queue?: JobQueue;
  }): void {
    const life = toLife();
    const tasks = toTasks(life);
    const database = crash && world.url !== undefined ? openMortalDatabase(world.url, crash, onAway) : undefined;
    const platform = world.connect({ tasks, queue, db: database?.db });
    const executor = new Executor(platform, { ...OPTIONS, concurrency, stepConcurrency });
    const own: AsyncDisposable = {
      async [Symbol.asyncDispose]() {
        await executor[Symbol.asyncDispose]();
        await database?.[Symbol.asyncDispose]();
      },
    };
    alive.add(own);
    executor.start();

    function onAway(): void {
      crashed++;
      const isDead = crash?.healsAfterMs === undefined;
      if (isDead) {
        life.isOver = true;
        alive.delete(own);
        // Its database is gone: what it still does is heard by nobody.
        world.bury(own);
      }
      if (!isEnded && (isDead || crashes.length > 0)) begin({ crash: crashes.shift() });
    }
  }

  return {
    platform: world.connect({ tasks: toTasks(toLife()), queue: first }),
    start() {
      begin({ crash: crashes.shift(), queue: first });
      for (let rival = 0; rival < random.rivals; rival++) begin({ crash: undefined });
    },
    get crashed() {
      return crashed;
    },
    async end() {
      isEnded = true;
      await Promise.all([...alive].map((own) => own[Symbol.asyncDispose]()));
    },
  };
}
