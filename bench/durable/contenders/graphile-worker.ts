import { Logger, makeWorkerUtils, type Runner, run, runMigrations, type TaskList } from 'graphile-worker';
import { Client } from 'pg';
import { ANSWER, type Contender, type Session, type Site } from '../contender.ts';
import { StepWatch } from '../step-watch.ts';

const LAST = 3;
const ANSWER_TEXT = JSON.stringify(ANSWER);
const CONNECTIONS = 12;
const logger = new Logger(() => () => {});

/** Jobs that add the next one; as completed jobs are deleted, each step writes its answer to a table of ours, in the statement that adds the next. */
export const graphileWorker: Contender = {
  name: 'graphile-worker',
  graphs: ['chain'],
  preparation: 'graphile_worker',
  async prepare(url) {
    await runMigrations({ connectionString: url, logger });
    const client = await connect(url);
    await client.query('create table answers (job bigint, step int, answer jsonb not null, primary key (job, step))');
    await client.end();
  },
  async open({ url, atATime }: Site): Promise<Session> {
    const watch = new StepWatch();
    const client = await connect(url);
    const utils = await makeWorkerUtils({ connectionString: url, logger });
    const taskList: TaskList = {
      async step(payload, { query }) {
        const { job, step } = payload as { job: number; step: number };
        const write = 'insert into answers values ($1, $2, $3)';
        if (step === LAST) await query(write, [job, step, ANSWER_TEXT]);
        else
          await query(`with written as (${write}) select graphile_worker.add_job('step', $4::json)`, [
            job,
            step,
            ANSWER_TEXT,
            JSON.stringify({ job, step: step + 1 }),
          ]);
        watch.tick();
      },
    };
    let runner: Runner | undefined;
    let submitted = 0;
    const add = (jobs: number) =>
      client.query(
        `select graphile_worker.add_jobs(array(select ('step', json_build_object('job', $1::int + at, 'step', 1), null, null, null, null, null, null)::graphile_worker.job_spec
          from generate_series(1, $2::int) at))`,
        [submitted, jobs],
      );
    const completed = () =>
      watch.until(async () => (await client.query('select from graphile_worker._private_jobs limit 1')).rowCount === 0);
    return {
      async submit(jobs) {
        watch.expect(jobs * LAST);
        await add(jobs);
        submitted += jobs;
      },
      async start() {
        runner = await run({
          ...{ connectionString: url, taskList, logger, noHandleSignals: true },
          preset: {
            worker: {
              concurrentJobs: atATime,
              maxPoolSize: CONNECTIONS,
              localQueue: { size: atATime * 2 },
              completeJobBatchDelay: 0,
            },
          },
        });
      },
      completed,
      async stop() {
        await runner?.stop();
      },
      async runOne(accepted) {
        watch.expect(LAST);
        await utils.addJob('step', { job: ++submitted, step: 1 });
        accepted();
        await completed();
      },
      async count() {
        const { rows } = await client.query(`select count(*)::int as steps, count(*) filter (where step = ${LAST})::int
          - (select count(*)::int from graphile_worker._private_jobs) as jobs from answers where length(answer::text) >= 500`);
        return rows[0];
      },
      async [Symbol.asyncDispose]() {
        await utils.release();
        await client.end();
      },
    };
  },
};

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}
