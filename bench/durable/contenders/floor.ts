import { connectPostgres, newId, openResultsDatabase } from '@mad/core';
import { Client } from 'pg';
import type { Contender, Graph, Session, Site } from '../contender.ts';
import { GroupCommit } from '../floor/group-commit.ts';
import type { FloorJob } from '../floor/transition.ts';
import { countMad } from '../mad/count-mad.ts';
import { SCHEMA } from '../mad/mad-organization.ts';
import { branchNames, prepareMad } from '../mad/prepare-mad.ts';

export interface FloorOptions {
  readonly name: string;
  /** Connections that commit. @default 2 */
  readonly lanes?: number;
  /** @default the site's */
  readonly atATime?: number;
  /** Jobs a flush takes at most. @default half of those in flight */
  readonly batch?: number;
}

/** What the database alone allows: the rows of mad, by hand, without an executor. */
export function createFloor({ name, lanes = 2, ...options }: FloorOptions): Contender {
  return {
    name,
    graphs: ['chain', 'fan-out'],
    preparation: 'mad',
    prepare: prepareMad,
    async open({ url, graph, ...site }: Site): Promise<Session> {
      const since = new Date();
      const atATime = options.atATime ?? site.atATime;
      const batch = options.batch ?? Math.ceil(atATime / 2);
      const clients = await Promise.all(Array.from({ length: lanes }, () => connectLane(url)));
      const journal = new GroupCommit({ lanes: clients, schema: SCHEMA, batch });
      const db = connectPostgres({ connectionString: url, max: 1 });
      const results = openResultsDatabase(db, { schema: SCHEMA });
      const submitter = await connectLane(url);
      const waiting: FloorJob[] = [];
      let running: Promise<unknown> = Promise.resolve();

      const work = async (): Promise<void> => {
        for (let job = waiting.pop(); job; job = waiting.pop()) await RUN[graph](journal, job);
      };
      return {
        async submit(jobs) {
          for (let left = jobs; left > 0; left -= 500)
            waiting.push(...(await insertJobs(submitter, Math.min(left, 500))));
          waiting.reverse();
        },
        async start() {
          running = Promise.all(Array.from({ length: atATime }, work));
        },
        completed: async () => void (await running),
        stop: async () => {},
        async runOne(accepted) {
          const [job] = await insertJobs(submitter, 1);
          accepted();
          if (job) await RUN[graph](journal, job);
        },
        count: () => countMad(results, { since }),
        async [Symbol.asyncDispose]() {
          await Promise.all([...clients, submitter].map((client) => client.end()));
          await db.destroy();
        },
      };
    },
  };
}

const RUN: Readonly<Record<Graph, (journal: GroupCommit, job: FloorJob) => Promise<void>>> = {
  async chain(journal, job) {
    await journal.commit({ job, kind: 'claim', starts: ['step-1'] });
    await journal.commit({ job, kind: 'go on', ends: ['step-1'], starts: ['step-2'] });
    await journal.commit({ job, kind: 'go on', ends: ['step-2'], starts: ['step-3'] });
    await journal.commit({ job, kind: 'close', ends: ['step-3'] });
  },
  async 'fan-out'(journal, job) {
    const branches = branchNames();
    await journal.commit({ job, kind: 'claim', starts: ['start'] });
    await journal.commit({ job, kind: 'go on', ends: ['start'], starts: branches });
    // Each branch ends for itself; the one that ends last starts the join.
    let left = branches.length;
    await Promise.all(
      branches.map((branch) =>
        journal.commit({ job, kind: 'go on', ends: [branch], starts: --left === 0 ? ['join'] : [] }),
      ),
    );
    await journal.commit({ job, kind: 'close', ends: ['join'] });
  },
};

async function connectLane(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  // A plan made while a table is small reads all of it, and a prepared statement keeps that plan.
  await client.query("set plan_cache_mode = 'force_generic_plan'");
  await client.query('set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off');
  return client;
}

const INSERT = `with submitted as (
  insert into ${SCHEMA}.jobs (job_id, pipeline_version, pipeline_id, pipeline_version_id, spec_digest, cache, last_event_seq)
  select id, 'chain@1.0.0', '0195d0c0-0000-7000-8000-0000000000e1', '0195d0c0-0000-7000-8000-0000000000e2', repeat('0', 64), '{"use": true}', 1
  from unnest($1::uuid[]) id returning job_id)
insert into ${SCHEMA}.job_events (job_id, seq_no, event) select job_id, 1, 'QUEUED' from submitted`;

async function insertJobs(client: Client, count: number): Promise<FloorJob[]> {
  const ids = Array.from({ length: count }, newId);
  await client.query({ name: 'submit', text: INSERT, values: [ids] });
  return ids.map((jobId) => ({ jobId, lastEvent: 1, executions: new Map() }));
}
