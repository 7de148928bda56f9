import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { JobMessage, JobQueue, MetadataTransaction, QueueLimits } from '@mad/core';
import { describe, expect, test } from 'vitest';
import { recordDeliveries } from './record-deliveries.ts';

/** A queue of its own for one test. */
export interface OpenJobQueue extends AsyncDisposable {
  readonly queue: JobQueue;
}

/** One whose messages can join a transaction of the Metadata DB. */
export interface OpenTransactionalQueue extends OpenJobQueue {
  inTransaction<T>(run: (tx: MetadataTransaction) => Promise<T>): Promise<T>;
}

const A = '0195d0c0-0000-7000-8000-00000000000a';
const B = '0195d0c0-0000-7000-8000-00000000000b';

const message = (more: Partial<JobMessage> = {}): JobMessage => ({
  orgId: A,
  jobId: randomUUID(),
  priority: 0,
  ...more,
});
const messages = (count: number, more: Partial<JobMessage> = {}): JobMessage[] =>
  Array.from({ length: count }, () => message(more));
const idsOf = (list: readonly JobMessage[]): string[] => list.map(({ jobId }) => jobId);

/** What every `JobQueue` does, whatever it is made of. `open` makes an empty one with these limits. */
export function describeJobQueue(name: string, open: (limits: QueueLimits) => Promise<OpenJobQueue>): void {
  describe(`${name} as a job queue`, () => {
    describeDelivery(open);
    describeOrder(open);
    describeLimits(open);
    describeRedelivery(open);
  });
}

/** What a `JobQueue` does besides whose messages join transactions. */
export function describeTransactionalQueue(name: string, open: () => Promise<OpenTransactionalQueue>): void {
  describe(`${name} in transactions`, () => {
    test('messages appear with their transaction, or not at all', async () => {
      await using opened = await open();
      const [kept, dropped, known] = [message(), message(), message()];
      await opened.queue.enqueue([known]);
      await using deliveries = recordDeliveries(opened.queue, { concurrency: 2 });
      await deliveries.until((list) => list.length === 1);
      await opened.inTransaction(async (tx) => {
        await opened.queue.enqueue([kept], { tx });
        await sleep(300);
        expect(deliveries.list).toHaveLength(1);
      });
      await deliveries.until((list) => list.length === 2);
      const refused = opened.inTransaction(async (tx) => {
        await opened.queue.enqueue([dropped], { tx });
        throw new RangeError('rolled back');
      });
      await expect(refused).rejects.toThrow(RangeError);
      await sleep(300);
      expect(deliveries.ids).toEqual([known.jobId, kept.jobId]);
    });
  });
}

type Open = (limits: QueueLimits) => Promise<OpenJobQueue>;

function describeDelivery(open: Open): void {
  test('every message is delivered, with all that it carries', async () => {
    await using opened = await open({});
    const sent = [
      ...messages(30, { priority: 3 }),
      ...messages(30, { orgId: B, priority: -2 }),
      ...messages(30, { resourceClass: 'gpu' }),
    ];
    await opened.queue.enqueue(sent);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 10 });
    await deliveries.until((list) => list.length >= 90);
    const byId = (list: readonly JobMessage[]) =>
      list
        .map(({ orgId, jobId, priority, resourceClass = 'cpu' }) => ({ orgId, jobId, priority, resourceClass }))
        .sort((a, b) => (a.jobId < b.jobId ? -1 : 1));
    expect(byId(deliveries.list.map((delivery) => delivery.message))).toEqual(byId(sent));
  });

  test('a message that comes while a consumer waits is delivered at once', async () => {
    await using opened = await open({});
    await opened.queue.enqueue([message()]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 2 });
    await deliveries.until((list) => list.length === 1);
    const before = performance.now();
    await opened.queue.enqueue([message()]);
    await deliveries.until((list) => list.length === 2);
    expect(performance.now() - before).toBeLessThan(500);
  });

  test('a message is not delivered before its time', async () => {
    await using opened = await open({});
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 2 });
    const runAfter = new Date(Date.now() + 700);
    await opened.queue.enqueue([message({ runAfter }), message({ runAfter: new Date(Date.now() + 40 * 86_400_000) })]);
    await deliveries.until((list) => list.length === 1);
    expect(Date.now()).toBeGreaterThanOrEqual(runAfter.getTime());
    expect(Date.now()).toBeLessThan(runAfter.getTime() + 2_000);
    await sleep(100);
    expect(deliveries.list).toHaveLength(1);
  });

  test('disposing a consumer waits for what runs, and leaves what waits to the next one', async () => {
    await using opened = await open({});
    await opened.queue.enqueue(messages(6));
    const first = recordDeliveries(opened.queue, { concurrency: 2, serviceMs: 300 });
    await first.until((list) => list.length === 2);
    await first[Symbol.asyncDispose]();
    expect(first.list.map(({ ended }) => ended)).toEqual([expect.any(Number), expect.any(Number)]);
    await using second = recordDeliveries(opened.queue, { concurrency: 4 });
    await second.until((list) => list.length === 4);
    const all = [...first.list, ...second.list].map((delivery) => delivery.message.jobId);
    expect(new Set(all).size).toBe(6);
  });

  test('two consumers share the messages', async () => {
    await using opened = await open({});
    await using one = recordDeliveries(opened.queue, { concurrency: 2, serviceMs: 100 });
    await using two = recordDeliveries(opened.queue, { concurrency: 2, serviceMs: 100 });
    await opened.queue.enqueue(messages(12));
    await one.until((list) => list.length + two.list.length === 12);
    expect([one.list.length > 0, two.list.length > 0]).toEqual([true, true]);
  });

  test('depth tells what waits and what runs of each organization', async () => {
    await using opened = await open({ perOrganization: 1 });
    await opened.queue.enqueue([...messages(3), ...messages(1, { orgId: B })]);
    await sleep(50);
    const oldestMs = expect.toSatisfy((ms: number) => ms >= 40 && ms < 30_000);
    expect(await sorted(opened.queue)).toEqual([
      { orgId: A, waiting: 3, running: 0, oldestMs },
      { orgId: B, waiting: 1, running: 0, oldestMs },
    ]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 4, serviceMs: 500 });
    await deliveries.until((list) => list.length === 2);
    expect(await sorted(opened.queue)).toEqual([
      { orgId: A, waiting: 2, running: 1, oldestMs },
      { orgId: B, waiting: 0, running: 1, oldestMs: null },
    ]);
  });
}

async function sorted(queue: JobQueue) {
  return [...(await queue.depth())].sort((a, b) => (a.orgId < b.orgId ? -1 : 1));
}

function describeOrder(open: Open): void {
  test('inside an organization the highest priority comes first, then the oldest', async () => {
    await using opened = await open({});
    const [low, high, middle, alsoHigh] = [
      message({ priority: -1 }),
      message({ priority: 5 }),
      message(),
      message({ priority: 5 }),
    ];
    for (const each of [low, high, middle, alsoHigh]) await opened.queue.enqueue([each]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 1 });
    await deliveries.until((list) => list.length === 4);
    expect(deliveries.ids).toEqual(idsOf([high, alsoHigh, middle, low]));
  });

  test('what waits rises: a wait of twice ageMs is worth more than one step of priority and less than five', async () => {
    await using opened = await open({ ageMs: 1_000 });
    const [old, higher, highest] = [message(), message({ priority: 1 }), message({ priority: 5 })];
    await opened.queue.enqueue([old]);
    await sleep(2_200);
    await opened.queue.enqueue([higher]);
    await opened.queue.enqueue([highest]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 1 });
    await deliveries.until((list) => list.length === 3);
    expect(deliveries.ids).toEqual(idsOf([highest, old, higher]));
  });

  test('an organization with 20 jobs waits at most twice the service time behind another with 5,000', async () => {
    await using opened = await open({});
    const serviceMs = 500;
    await opened.queue.enqueue(messages(5_000));
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 50, serviceMs });
    await deliveries.until((list) => list.length >= 60);
    const enqueued = performance.now();
    await opened.queue.enqueue(messages(20, { orgId: B }));
    const ofB = () => deliveries.list.filter((delivery) => delivery.message.orgId === B);
    await deliveries.until(() => ofB().length === 20);
    const waits = ofB().map(({ started }) => started - enqueued);
    expect(Math.max(...waits)).toBeLessThanOrEqual(2 * serviceMs);
  });

  test('an organization of three times the weight runs three times as much', async () => {
    await using opened = await open({ weightOf: (orgId) => (orgId === A ? 3 : 1) });
    await opened.queue.enqueue([...messages(100), ...messages(100, { orgId: B })]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 8, serviceMs: 150 });
    await deliveries.until((list) => list.length >= 40);
    const ofA = deliveries.list.slice(0, 40).filter((delivery) => delivery.message.orgId === A);
    expect(ofA.length).toBeGreaterThanOrEqual(28);
    expect(ofA.length).toBeLessThanOrEqual(32);
  });
}

function describeLimits(open: Open): void {
  test('neither an organization nor a resource class runs more than its limit, and both reach it', async () => {
    await using opened = await open({
      perOrganization: (orgId) => (orgId === A ? 3 : 4),
      perResourceClass: { gpu: 2 },
    });
    await opened.queue.enqueue([
      ...messages(12),
      ...messages(12, { orgId: B }),
      ...messages(6, { orgId: B, resourceClass: 'gpu' }),
      ...messages(6, { resourceClass: 'gpu' }),
    ]);
    await using one = recordDeliveries(opened.queue, { concurrency: 10, serviceMs: 40 });
    await using two = recordDeliveries(opened.queue, { concurrency: 10, serviceMs: 40 });
    await one.until((list) => list.length + two.list.length === 36);
    await sleep(100);
    const all = [...one.list, ...two.list];
    const most = (passes: (each: JobMessage) => boolean) => {
      const some = all.filter((delivery) => passes(delivery.message));
      return Math.max(
        ...some.map(
          ({ started }) => some.filter((other) => other.started <= started && (other.ended ?? 0) > started).length,
        ),
      );
    };
    expect(most(({ orgId }) => orgId === A)).toBe(3);
    expect(most(({ orgId }) => orgId === B)).toBe(4);
    expect(most(({ resourceClass }) => resourceClass === 'gpu')).toBe(2);
  });

  test('a resource class at its limit holds up no other', async () => {
    await using opened = await open({ perResourceClass: { gpu: 1 } });
    await opened.queue.enqueue(messages(3, { resourceClass: 'gpu', priority: 9 }));
    await opened.queue.enqueue(messages(3));
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 4, serviceMs: 300 });
    await deliveries.until((list) => list.length === 4);
    expect(deliveries.list.filter((delivery) => delivery.message.resourceClass === 'gpu')).toHaveLength(1);
  });
}

function describeRedelivery(open: Open): void {
  test('a message that already waits is not queued twice', async () => {
    await using opened = await open({});
    const [twice, last] = [message(), message({ priority: -100 })];
    await opened.queue.enqueue([twice, twice]);
    await opened.queue.enqueue([twice, last]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 1 });
    await deliveries.until((list) => list.some((delivery) => delivery.message.jobId === last.jobId));
    await sleep(200);
    expect(deliveries.ids).toEqual(idsOf([twice, last]));
  });

  test('a message that comes while its job runs is delivered once more, after the run', async () => {
    await using opened = await open({});
    const job = message();
    await opened.queue.enqueue([job]);
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 4, serviceMs: 300 });
    await deliveries.until((list) => list.length === 1);
    await opened.queue.enqueue([job]);
    await opened.queue.enqueue([job]);
    await deliveries.until((list) => list.length === 2);
    await sleep(600);
    const [first, second] = deliveries.list;
    expect(deliveries.list).toHaveLength(2);
    expect(second?.started).toBeGreaterThanOrEqual(first?.ended ?? Number.POSITIVE_INFINITY);
  });

  test('a rejected delivery is made again, after a pause that grows', async () => {
    await using opened = await open({});
    let left = 3;
    const fail = async () => {
      if (--left >= 0) throw new RangeError('not this time');
    };
    await using deliveries = recordDeliveries(opened.queue, { concurrency: 2, handle: fail });
    await opened.queue.enqueue([message()]);
    await deliveries.until((list) => list.length === 4);
    const pauses = deliveries.list.slice(1).map(({ started }, index) => started - (deliveries.list[index]?.ended ?? 0));
    for (const [index, least] of [100, 200, 400].entries()) expect(pauses[index]).toBeGreaterThanOrEqual(least - 5);
    await sleep(300);
    expect(deliveries.list).toHaveLength(4);
  });

  test('others are delivered while a rejected one pauses', async () => {
    await using opened = await open({});
    const bad = message({ priority: 9 });
    await opened.queue.enqueue([bad]);
    await opened.queue.enqueue(messages(5));
    await using deliveries = recordDeliveries(opened.queue, {
      concurrency: 1,
      handle: async ({ jobId }) => {
        if (jobId === bad.jobId) throw new RangeError('never');
      },
    });
    await deliveries.until((list) => list.filter((delivery) => delivery.message.jobId !== bad.jobId).length === 5);
  });
}
