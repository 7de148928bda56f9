import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { Clock } from '../../src/clock.ts';
import { NotFoundError } from '../../src/errors.ts';
import { followTimeline } from '../../src/job/follow-timeline.ts';
import { type TimelineFollower, TimelineHub } from '../../src/job/timeline-hub.ts';
import type { Platform } from '../../src/platform.ts';
import type { Signals } from '../../src/ports/signals.ts';
import type { JobNews, JobPosition } from '../../src/results/job-event.repository.ts';
import { EVERY } from '../../src/signals/every.ts';

const signal = new AbortController().signal;

/** A hub over timelines in memory, whose reads are recorded and whose clock never lets a poll come unless `poll` is called. */
function createTestHub() {
  const last = new Map<string, number>();
  const reads: (readonly JobPosition[])[] = [];
  const answer = (after: readonly JobPosition[]): JobNews[] =>
    after.flatMap(({ jobId, afterSeq }) => {
      const count = Math.max((last.get(jobId) ?? 0) - afterSeq, 0);
      const events = Array.from({ length: count }, (_, index) => ({
        ...{ job_id: jobId, seq_no: afterSeq + index + 1, ts: new Date(), event: 'E', detail: null, metadata: {} },
      }));
      return count > 0 ? [{ jobId, afterSeq, status: 'RUNNING' as const, events }] : [];
    });
  let read = async (after: readonly JobPosition[]) => answer(after);
  let poll = () => {};
  const clock: Clock = {
    now: () => new Date(),
    sleep: (ms, wake) =>
      ms > 1_000
        ? new Promise((resolve, reject) => {
            poll = resolve;
            wake?.addEventListener('abort', reject);
          })
        : setTimeout(ms, undefined, wake ? { signal: wake } : {}),
  };
  const hub = new TimelineHub({
    pollMs: 1_000_000,
    clock,
    read: (after) => {
      reads.push(after);
      return read(after);
    },
  });
  return {
    hub,
    reads,
    answer,
    poll: () => poll(),
    onRead: (next: typeof read) => {
      read = next;
    },
    append: (jobId: string) => void last.set(jobId, (last.get(jobId) ?? 0) + 1),
  };
}

const settled = () => setTimeout(80);
const seqs = async (follower: TimelineFollower, afterSeq: number) =>
  (await follower.readAfter(afterSeq, signal))?.events.map(({ seq_no }) => seq_no);

test('a change is read once for all who wait at the same place, and they get the same rows', async () => {
  const { hub, reads, append } = createTestHub();
  const followers = Array.from({ length: 1_000 }, () => hub.follow('a'));
  const answers = followers.map((follower) => follower.readAfter(0, signal));
  await settled();
  expect(reads.length).toBeLessThanOrEqual(2);
  reads.length = 0;
  append('a');
  hub.changed('a');
  const all = await Promise.all(answers);
  expect(reads).toMatchObject([[{ jobId: 'a', afterSeq: 0 }]]);
  expect(new Set(all.map((news) => news?.events))).toHaveProperty('size', 1);

  // Nothing has changed since: all of them wait again, and nothing is read for it.
  const more = followers.map((follower) => follower.readAfter(1, signal));
  await settled();
  expect(reads).toHaveLength(1);
  append('a');
  hub.changed(EVERY);
  await Promise.all(more);
  expect(reads).toHaveLength(2);
});

test('a signal that comes while the job is being read leads to another read', async () => {
  const { hub, reads, append, answer, onRead } = createTestHub();
  const follower = hub.follow('a');
  append('a');
  onRead(async (after) => {
    const found = answer(after);
    onRead(async (next) => answer(next));
    append('a');
    hub.changed('a');
    return found;
  });
  expect(await seqs(follower, 0)).toEqual([1]);
  expect(await seqs(follower, 1)).toEqual([2]);
  expect(reads).toHaveLength(2);
});

test('a storm of signals is at most a read each fifty milliseconds', async () => {
  const { hub, reads, append } = createTestHub();
  const follower = hub.follow('a');
  const began = performance.now();
  let last = 0;
  const storm = (async () => {
    while (performance.now() - began < 300) {
      append('a');
      hub.changed('a');
      await setTimeout(1);
    }
  })();
  while (performance.now() - began < 300) last = (await seqs(follower, last))?.at(-1) ?? last;
  await storm;
  expect(reads.length).toBeLessThanOrEqual((performance.now() - began) / 50 + 2);
});

test('a lost signal is made up for by the poll, one statement for all', async () => {
  const { hub, reads, append, poll } = createTestHub();
  const jobIds = Array.from({ length: 300 }, (_, index) => `job ${index}`);
  const answers = jobIds.map((jobId) => hub.follow(jobId).readAfter(0, signal));
  await settled();
  reads.length = 0;
  for (const jobId of jobIds) append(jobId);
  poll();
  await Promise.all(answers);
  expect(reads.map((after) => after.length)).toEqual([300]);
});

test('a database that is away for a moment is waited for; one that says no for good is not', async () => {
  const { hub, reads, append, answer, onRead, poll } = createTestHub();
  append('a');
  onRead(() => Promise.reject(new TypeError('connection lost')));
  const answered = seqs(hub.follow('a'), 0);
  await settled();
  onRead(async (after) => answer(after));
  poll();
  expect(await answered).toEqual([1]);
  expect(reads).toHaveLength(2);
  onRead(() => Promise.reject(new NotFoundError({ entity: 'organization', id: 'a' })));
  await expect(hub.follow('a').readAfter(1, signal)).rejects.toThrow(NotFoundError);
});

test('nobody waiting, nothing is read; the last follower of a router takes its subscription along', async () => {
  const { hub, reads } = createTestHub();
  const stop = new AbortController();
  const follower = hub.follow('a');
  const answer = follower.readAfter(0, stop.signal);
  stop.abort();
  expect(await answer).toBeUndefined();
  await settled();
  reads.length = 0;
  hub.changed('a');
  await settled();
  expect(reads).toEqual([]);
  follower[Symbol.dispose]();
  expect(hub.isUnused).toBe(true);

  let subscriptions = 0;
  const signals: Signals = {
    publish() {},
    subscribe() {
      subscriptions++;
      return { [Symbol.dispose]: () => void subscriptions-- };
    },
  };
  const platform = { signals, metadata: {}, results: {} } as unknown as Platform;
  const [first, second] = ['a', 'b'].map((orgId) => followTimeline(platform, { orgId, jobId: '1' }));
  expect(subscriptions).toBe(1);
  first?.[Symbol.dispose]();
  expect(subscriptions).toBe(1);
  second?.[Symbol.dispose]();
  expect(subscriptions).toBe(0);
});
