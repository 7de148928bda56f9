import { AsyncLocalStorage } from 'node:async_hooks';
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeJobQueue, recordDeliveries } from '@mad/testkit';
import { expect, test } from 'vitest';
import { createInProcessQueue } from '../../src/queue/create-in-process-queue.ts';

describeJobQueue('createInProcessQueue', async (limits) => ({
  queue: createInProcessQueue({ limits }),
  async [Symbol.asyncDispose]() {},
}));

test('100,000 messages of 1,000 organizations wait and are delivered cheaply', async () => {
  const queue = createInProcessQueue();
  const sent = Array.from({ length: 100_000 }, (_, index) => ({
    orgId: `organization ${index % 1_000}`,
    jobId: `job ${index}`,
    priority: index % 7,
  }));
  const before = process.cpuUsage();
  await queue.enqueue(sent);
  const { promise, resolve } = Promise.withResolvers<void>();
  let left = 5_000;
  await using _consumer = queue.consume({
    concurrency: 50,
    handler: async () => {
      if (--left === 0) resolve();
    },
  });
  await promise;
  const { user, system } = process.cpuUsage(before);
  expect((user + system) / 1_000).toBeLessThan(5_000);
});

test('a message with a time earlier than the one it waits for is brought forward', async () => {
  const queue = createInProcessQueue();
  const job = { orgId: 'a', jobId: 'j', priority: 0 };
  await queue.enqueue([{ ...job, runAfter: new Date(Date.now() + 60_000) }]);
  await queue.enqueue([job]);
  await using deliveries = recordDeliveries(queue, { concurrency: 1 });
  await deliveries.until((list) => list.length === 1);
  await expect.poll(() => queue.depth()).toEqual([]);
});

test('a handler runs in the async context of its consumer, not of whoever enqueued', async () => {
  const context = new AsyncLocalStorage<string>();
  const queue = createInProcessQueue();
  const seen: unknown[] = [];
  await using _consumer = context.run('executor', () =>
    queue.consume({
      concurrency: 1,
      handler: async () => {
        seen.push(context.getStore());
      },
    }),
  );
  await context.run('request', () => queue.enqueue([{ orgId: 'a', jobId: 'j', priority: 0 }]));
  await expect.poll(() => seen).toEqual(['executor']);
});

test('what waits for its time keeps no process alive', async () => {
  const queue = new URL('../../src/queue/create-in-process-queue.ts', import.meta.url);
  const program = `import { createInProcessQueue } from '${queue}';
    await createInProcessQueue().enqueue([{ orgId: 'a', jobId: 'j', priority: 0, runAfter: new Date(Date.now() + 60_000) }]);`;
  await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], { timeout: 20_000 });
});
