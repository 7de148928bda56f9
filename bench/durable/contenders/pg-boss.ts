import { Client } from 'pg';
import { PgBoss } from 'pg-boss';
import { ANSWER, type Contender, type Session, type Site } from '../contender.ts';
import { Doorbell } from '../doorbell.ts';

const QUEUE = 'steps';
const LAST = 3;
/** Loops that fetch, run and complete; together they hold as many jobs as are to be in flight. */
const LOOPS = 2;

interface Step {
  readonly step: number;
  readonly answer?: typeof ANSWER;
}

/**
 * Messages that follow one another, fetched, passed on and completed by whole batches, each batch in one transaction, without pg-boss's own
 * polling. Its tables keep the answers of the steps, and no timeline.
 */
export const pgBoss: Contender = {
  name: 'pg-boss batches',
  graphs: ['chain'],
  preparation: 'pg_boss',
  prepare: preparePgBoss,
  async open({ url, atATime }: Site): Promise<Session> {
    const boss = await openPgBoss(url);
    const batch = Math.ceil(atATime / LOOPS);
    const loops = await Promise.all(Array.from({ length: LOOPS }, () => connect(url)));
    const bell = new Doorbell();
    let open = 0;
    let isStopped = true;
    let running: Promise<unknown> = Promise.resolve();

    const work = async (client: Client): Promise<void> => {
      const db = { executeSql: (text: string, values?: unknown[]) => client.query(text, values) };
      while (!isStopped) {
        const { rings } = bell;
        const jobs = await boss.fetch<Step>(QUEUE, { batchSize: batch, db });
        if (jobs.length === 0) {
          await bell.after(rings);
          continue;
        }
        const next = jobs
          .filter(({ data }) => data.step < LAST)
          .map(({ data }) => ({ data: { step: data.step + 1, answer: ANSWER } }));
        await client.query('begin');
        if (next.length > 0) await boss.insert(QUEUE, next, { db });
        await boss.complete(
          QUEUE,
          jobs.map(({ id }) => id),
          ANSWER,
          { db },
        );
        await client.query('commit');
        open -= jobs.length - next.length;
        bell.ring();
      }
    };
    const completed = async (): Promise<void> => {
      while (open > 0) await bell.after(bell.rings);
    };
    return {
      async submit(jobs) {
        open += jobs;
        await boss.insert(
          QUEUE,
          Array.from({ length: jobs }, () => ({ data: { step: 1 } })),
        );
      },
      async start() {
        isStopped = false;
        running = Promise.all(loops.map(work));
      },
      completed,
      async stop() {
        isStopped = true;
        bell.ring();
        await running;
      },
      async runOne(accepted) {
        open++;
        await boss.send(QUEUE, { step: 1 });
        accepted();
        bell.ring();
        await completed();
      },
      count: () => countPgBoss(url, `data->>'step' = '${LAST}'`),
      async [Symbol.asyncDispose]() {
        await Promise.all(loops.map((client) => client.end()));
        await boss.stop({ graceful: false });
      },
    };
  },
};

/** Steps that pg-boss itself starts when those they depend on are complete. Its resolver is driven by hand, where it would poll each few seconds. */
export const pgBossFlow: Contender = {
  name: 'pg-boss flow',
  graphs: ['chain'],
  preparation: 'pg_boss',
  prepare: preparePgBoss,
  async open({ url, atATime }: Site): Promise<Session> {
    const boss = await openPgBoss(url);
    const bell = new Doorbell();
    let open = 0;
    let isStopped = true;
    let running: Promise<unknown> = Promise.resolve();
    const submitOne = () =>
      boss.flow([
        { ref: '1', name: QUEUE, data: { step: 1 } },
        { ref: '2', name: QUEUE, data: { step: 2 }, dependsOn: ['1'] },
        { ref: '3', name: QUEUE, data: { step: 3 }, dependsOn: ['2'] },
      ]);
    const work = async (): Promise<void> => {
      while (!isStopped) {
        const { rings } = bell;
        const jobs = await boss.fetch<Step>(QUEUE, { batchSize: Math.ceil(atATime / LOOPS) });
        if (jobs.length > 0) {
          await boss.complete(
            QUEUE,
            jobs.map(({ id }) => id),
            ANSWER,
          );
          open -= jobs.filter(({ data }) => data.step === LAST).length;
          bell.ring();
        } else if (open > 0) await boss.resolveFlow();
        else await bell.after(rings);
      }
    };
    const completed = async (): Promise<void> => {
      while (open > 0) await bell.after(bell.rings);
    };
    return {
      async submit(jobs) {
        let left = jobs;
        const submitSome = async (): Promise<void> => {
          while (left-- > 0) await submitOne();
        };
        await Promise.all(Array.from({ length: 8 }, submitSome));
        open += jobs;
      },
      async start() {
        isStopped = false;
        running = Promise.all(Array.from({ length: LOOPS }, work));
      },
      completed,
      async stop() {
        isStopped = true;
        bell.ring();
        await running;
      },
      async runOne(accepted) {
        await submitOne();
        accepted();
        open++;
        bell.ring();
        await completed();
      },
      count: () => countPgBoss(url, `data->>'step' = '${LAST}'`),
      async [Symbol.asyncDispose]() {
        await boss.stop({ graceful: false });
      },
    };
  },
};

async function preparePgBoss(url: string): Promise<void> {
  const boss = await openPgBoss(url);
  await boss.createQueue(QUEUE);
  await boss.stop({ graceful: false });
}

async function openPgBoss(url: string): Promise<PgBoss> {
  const boss = new PgBoss({ connectionString: url, max: 10, supervise: false, schedule: false });
  boss.on('error', () => {});
  return boss.start();
}

async function connect(url: string): Promise<Client> {
  const client = new Client({ connectionString: url });
  await client.connect();
  return client;
}

async function countPgBoss(url: string, isLast: string): Promise<{ jobs: number; steps: number }> {
  const client = await connect(url);
  const { rows } = await client.query(
    `select count(*)::int as steps, count(*) filter (where ${isLast})::int as jobs
    from pgboss.job where name = $1 and state = 'completed' and length(output::text) >= 500`,
    [QUEUE],
  );
  await client.end();
  return rows[0];
}
