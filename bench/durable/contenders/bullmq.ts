import { type FlowJob, FlowProducer, Queue, Worker } from 'bullmq';
import { ANSWER, BRANCHES, type Contender, type Graph, type Session, type Site } from '../contender.ts';
import { Doorbell } from '../doorbell.ts';

const queueName = 'steps';
const LAST = 'last';

/** Flows on a Redis that waits for the disk at each write. A flow is a tree: the fan-out's first step adds the rest when it has run. */
export const bullmq: Contender = {
  name: 'BullMQ',
  graphs: ['chain', 'fan-out'],
  redis: true,
  async open({ redis, graph, atATime }: Site): Promise<Session> {
    const connection = { path: redis ?? '', maxRetriesPerRequest: null };
    const flows = new FlowProducer({ connection });
    const queue = new Queue(queueName, { connection });
    await Promise.all([flows.waitUntilReady(), queue.waitUntilReady()]);
    const bell = new Doorbell();
    let worker: Worker | undefined;
    let open = 0;
    const completed = async (): Promise<void> => {
      while (open > 0) await bell.after(bell.rings);
    };
    // Eight fan-outs at a time are their branches at a time.
    const concurrency = graph === 'chain' ? atATime : 100;
    return {
      async submit(jobs) {
        open += jobs;
        for (let left = jobs; left > 0; left -= 250)
          await flows.addBulk(Array.from({ length: Math.min(left, 250) }, FIRST[graph]));
      },
      async start() {
        worker = new Worker(
          queueName,
          async ({ name }) => {
            if (name === 'start') await flows.add(branching());
            return ANSWER;
          },
          { connection, concurrency },
        );
        worker.on('error', () => {});
        worker.on('completed', ({ name }) => {
          if (name !== LAST) return;
          open--;
          bell.ring();
        });
      },
      completed,
      async stop() {
        await worker?.close();
      },
      async runOne(accepted) {
        open++;
        await flows.add(FIRST[graph]());
        accepted();
        await completed();
      },
      async count() {
        const steps = (await queue.getCompleted(0, -1)).filter(
          ({ returnvalue }) => JSON.stringify(returnvalue)?.length === 500,
        );
        return { jobs: steps.filter(({ name }) => name === LAST).length, steps: steps.length };
      },
      async [Symbol.asyncDispose]() {
        await Promise.all([flows.close(), queue.close()]);
      },
    };
  },
};

const step = (name: string, children: FlowJob[] = []): FlowJob => ({ name, queueName, data: {}, children });
const branching = (): FlowJob =>
  step(
    LAST,
    Array.from({ length: BRANCHES }, (_, at) => step(`branch-${at}`)),
  );

/** What is submitted for one job. */
const FIRST: Readonly<Record<Graph, () => FlowJob>> = {
  chain: () => step(LAST, [step('step-2', [step('step-1')])]),
  'fan-out': () => step('start'),
};
