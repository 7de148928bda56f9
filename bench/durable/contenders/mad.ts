import {
  connectPostgres,
  createInProcessQueue,
  createLocalSignals,
  Executor,
  followJob,
  type JobQueue,
  type MetadataDatabase,
  type Platform,
  submitJob,
  submitJobs,
  subscribeExecutor,
} from '@mad/core';
import { openEmbeddedDatabase } from '@mad/core/pglite';
import type { Kysely } from 'kysely';
import { type Contender, type Session, type Site, STEPS } from '../contender.ts';
import { connectMad } from '../mad/connect-mad.ts';
import { countMad } from '../mad/count-mad.ts';
import { CALLER, fillMad, prepareMad } from '../mad/prepare-mad.ts';
import { StepWatch } from '../step-watch.ts';

export interface MadOptions {
  readonly name: string;
  /** @default the real server */
  readonly store?: 'postgres' | 'pglite' | undefined;
  /** How many follow the timeline of a job of their own meanwhile, in this process. @default 0 */
  readonly followers?: number | undefined;
  /** @default in this process */
  readonly openQueue?: ((site: Site, metadata: MetadataDatabase) => Promise<JobQueue & AsyncDisposable>) | undefined;
}

const CONNECTIONS = 10;

/** mad as a host runs it: jobs submitted, an executor started, nothing but its public door. */
export function createMad({
  name,
  store = 'postgres',
  followers: followerCount = 0,
  openQueue,
}: MadOptions): Contender {
  return {
    name,
    graphs: ['chain', 'fan-out'],
    ...(store === 'postgres' && { preparation: 'mad', prepare: prepareMad }),
    async open(site: Site): Promise<Session> {
      const database = store === 'postgres' ? openServer(site) : await openEmbedded(site);
      const since = new Date();
      const watch = new StepWatch();
      const signals = createLocalSignals();
      signals.subscribe('job.changed', () => watch.wake());
      const external = await openQueue?.(site, database.db as unknown as MetadataDatabase);
      const queue = external ?? createInProcessQueue();
      // A job is queued as soon as its row is committed.
      let onQueued = () => {};
      const noting: JobQueue = {
        ...queue,
        enqueue: (messages, options) => {
          onQueued();
          return queue.enqueue(messages, options);
        },
      };
      const { platform, results } = connectMad(database.db, {
        ...{ queue: noting, signals, folder: site.folder, onRun: () => watch.tick() },
      });
      const following = new AbortController();
      const followers: Promise<void>[] = [];
      let executor: Executor | undefined;

      return {
        async submit(jobs) {
          watch.expect(jobs * STEPS[site.graph]);
          const requests = Array.from({ length: jobs }, () => ({ pipeline: site.graph }));
          const jobIds = (await submitJobs(platform, CALLER, requests)).map(({ job, error }) => {
            if (error) throw error;
            return job.jobId;
          });
          followers.push(...follow(platform, { jobIds: spread(jobIds, followerCount), signal: following.signal }));
        },
        async start() {
          executor = new Executor(platform, { concurrency: site.atATime, stepConcurrency: 100 });
          executor.start();
        },
        completed: () =>
          watch.until(async () => {
            const open = results.selectFrom('jobs').select('job_id').where('status', 'in', ['PENDING', 'RUNNING']);
            return (await open.limit(1).executeTakeFirst()) === undefined;
          }),
        async stop() {
          await executor?.[Symbol.asyncDispose]();
        },
        async runOne(accepted) {
          watch.expect(STEPS[site.graph]);
          onQueued = accepted;
          const completed = new Set<string>();
          using _told = subscribeExecutor('job.closed', ({ job_id, status }) => {
            if (status === 'COMPLETED') completed.add(job_id);
            watch.wake();
          });
          const { jobId } = await submitJob(platform, CALLER, { pipeline: site.graph });
          await watch.until(async () => completed.has(jobId));
        },
        async count() {
          // Whoever follows has seen the end of its job, or the trial does not end.
          await Promise.all(followers);
          return countMad(results, { since });
        },
        async [Symbol.asyncDispose]() {
          following.abort();
          await executor?.[Symbol.asyncDispose]();
          await external?.[Symbol.asyncDispose]();
          await database[Symbol.asyncDispose]();
        },
      };
    },
  };
}

type Database = AsyncDisposable & { readonly db: Kysely<unknown> };

function openServer({ url }: Site): Database {
  const db = connectPostgres({ connectionString: url, max: CONNECTIONS });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

async function openEmbedded({ folder }: Site): Promise<Database> {
  const database = await openEmbeddedDatabase({ folder: `${folder}/pglite` });
  await fillMad(database.db);
  return database;
}

/** So many of the ids, evenly over all of them. */
function spread(jobIds: readonly string[], count: number): string[] {
  const every = jobIds.length / count;
  return Array.from(
    { length: Math.min(count, jobIds.length) },
    (_, at) => jobIds[Math.floor(at * Math.max(every, 1))] ?? '',
  );
}

function follow(
  platform: Platform,
  { jobIds, signal }: { jobIds: readonly string[]; signal: AbortSignal },
): Promise<void>[] {
  return jobIds.map(async (jobId) => {
    let last = 0;
    for await (const { seq } of followJob(platform, CALLER, { jobId, signal })) {
      if (seq !== last + 1) throw new Error(`a follower got event ${seq} after event ${last}`);
      last = seq;
    }
  });
}
