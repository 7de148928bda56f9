import { DBOS } from '@dbos-inc/dbos-sdk';
import { Client } from 'pg';
import { ANSWER, BRANCHES, type Contender, type Graph, type Session, type Site } from '../contender.ts';

const answer = async (): Promise<typeof ANSWER> => ANSWER;

const WORKFLOWS: Readonly<Record<Graph, () => Promise<typeof ANSWER>>> = {
  chain: DBOS.registerWorkflow(
    async () => {
      await DBOS.runStep(answer, { name: 'step-1' });
      await DBOS.runStep(answer, { name: 'step-2' });
      return DBOS.runStep(answer, { name: 'step-3' });
    },
    { name: 'chain' },
  ),
  'fan-out': DBOS.registerWorkflow(
    async () => {
      await DBOS.runStep(answer, { name: 'start' });
      await Promise.all(Array.from({ length: BRANCHES }, (_, at) => DBOS.runStep(answer, { name: `branch-${at}` })));
      return DBOS.runStep(answer, { name: 'join' });
    },
    { name: 'fan-out' },
  ),
};

const CONNECTIONS = 20;

/** Workflows started directly, so many at a time: faster than through its queue, which would write more, though so each is submitted within the clock. */
export const dbos: Contender = {
  name: 'DBOS',
  graphs: ['chain', 'fan-out'],
  async prepare(url) {
    await launch(url);
    await DBOS.shutdown();
  },
  async open({ url, graph, atATime }: Site): Promise<Session> {
    await launch(url);
    const client = new Client({ connectionString: url });
    await client.connect();
    const workflow = WORKFLOWS[graph];
    let waiting = 0;
    let running: Promise<unknown> = Promise.resolve();
    const work = async (): Promise<void> => {
      while (waiting-- > 0) await (await DBOS.startWorkflow(workflow)()).getResult();
    };
    return {
      async submit(jobs) {
        waiting = jobs;
      },
      async start() {
        running = Promise.all(Array.from({ length: atATime }, work));
      },
      completed: async () => void (await running),
      stop: async () => {},
      async runOne(accepted) {
        const handle = await DBOS.startWorkflow(workflow)();
        accepted();
        await handle.getResult();
      },
      async count() {
        const { rows } = await client.query(`select
          (select count(*)::int from dbos.workflow_status where status = 'SUCCESS') as jobs,
          (select count(*)::int from dbos.operation_outputs where length(output) >= 500) as steps`);
        return rows[0];
      },
      async [Symbol.asyncDispose]() {
        await client.end();
        await DBOS.shutdown();
      },
    };
  },
};

async function launch(url: string): Promise<void> {
  const quiet = { info() {}, debug() {}, warn() {}, error() {} };
  DBOS.setConfig({ name: 'bench', systemDatabaseUrl: url, systemDatabasePoolSize: CONNECTIONS, logger: quiet });
  await DBOS.launch();
}
