import { expect, test } from 'vitest';
import { createFairQueue, type Queued } from '../../src/queue/fair-queue.ts';
import { createHeap } from '../../src/queue/heap.ts';
import { rankOf } from '../../src/queue/queue-limits.ts';

const queued = (orgId: string, more: Partial<Queued> = {}): Queued => ({
  orgId,
  resourceClass: 'cpu',
  rank: 0,
  ...more,
});
const takeAll = (fair: { take(): Queued | undefined }): Queued[] => {
  const taken: Queued[] = [];
  for (let next = fair.take(); next; next = fair.take()) taken.push(next);
  return taken;
};

test('a heap gives its elements in order, whatever the order they came in', () => {
  const heap = createHeap<number>((a, b) => a - b);
  const values = Array.from({ length: 1_000 }, (_, index) => (index * 7919) % 1_009);
  for (const value of values) heap.push(value);
  expect(Array.from(values, () => heap.pop())).toEqual(values.toSorted((a, b) => a - b));
  expect(heap.pop()).toBeUndefined();
});

test('the least elements of a heap are told in their order and stay', () => {
  const heap = createHeap<number>((a, b) => a - b);
  const values = Array.from({ length: 1_000 }, (_, index) => (index * 7919) % 1_009);
  for (const value of values) heap.push(value);
  for (let popped = 0; popped < 300; popped++) heap.pop();
  expect(heap.least(50)).toEqual(values.toSorted((a, b) => a - b).slice(300, 350));
  expect(heap.least(2_000)).toHaveLength(700);
  expect([heap.size, createHeap<number>((a, b) => a - b).least(3)]).toEqual([700, []]);
});

test('what comes next of an organization is told in its order, but not of a class without room', () => {
  const fair = createFairQueue({ perResourceClass: { gpu: 1 } });
  const first = queued('a', { resourceClass: 'gpu', rank: 1 });
  const second = queued('a', { rank: 2 });
  const third = queued('a', { resourceClass: 'gpu', rank: 3 });
  for (const one of [third, second, queued('b'), first]) fair.push(one);
  expect(fair.upcoming('a', 9)).toEqual([first, second, third]);
  expect(fair.upcoming('a', 2)).toEqual([first, second]);
  for (let taken = fair.take(); taken !== first; taken = fair.take()) expect(taken?.orgId).toBe('b');
  expect(fair.upcoming('a', 9)).toEqual([second]);
  expect(fair.upcoming('nobody', 9)).toEqual([]);
});

test('organizations take turns, and who was served longest ago comes first', () => {
  const fair = createFairQueue({});
  for (const orgId of ['a', 'a', 'a', 'b', 'b', 'c']) fair.push(queued(orgId));
  expect(takeAll(fair).map(({ orgId }) => orgId)).toEqual(['a', 'b', 'c', 'a', 'b', 'a']);
});

test('with one slot, organizations alternate, also when one comes back after everything of it had run', () => {
  const fair = createFairQueue({});
  const served: string[] = [];
  fair.push(queued('a'));
  for (let turn = 0; turn < 6; turn++) {
    fair.push(queued('b'));
    const next = fair.take();
    if (!next) break;
    served.push(next.orgId);
    fair.release(next);
    if (next.orgId === 'a') fair.push(queued('a'));
  }
  expect(served.join('')).toBe('ababab');
});

test('slots are shared by weight', () => {
  const fair = createFairQueue({ weightOf: (orgId) => (orgId === 'a' ? 3 : 1) });
  for (let index = 0; index < 8; index++) for (const orgId of ['a', 'b']) fair.push(queued(orgId));
  const first = Array.from({ length: 8 }, () => fair.take()?.orgId);
  expect(first.filter((orgId) => orgId === 'a')).toHaveLength(6);
});

test('what runs elsewhere counts against the limits and the share', () => {
  const fair = createFairQueue({ perOrganization: 3, perResourceClass: { gpu: 2 } });
  fair.reset([
    { orgId: 'a', resourceClass: 'cpu', running: 2 },
    { orgId: 'b', resourceClass: 'gpu', running: 1 },
  ]);
  for (let index = 0; index < 3; index++) {
    fair.push(queued('a'));
    fair.push(queued('b', { resourceClass: 'gpu' }));
    fair.push(queued('b', { rank: 1 }));
  }
  expect(takeAll(fair).map(({ orgId, resourceClass }) => `${orgId} ${resourceClass}`)).toEqual([
    'b gpu',
    'a cpu',
    'b cpu',
  ]);
});

test('a released slot is given again', () => {
  const fair = createFairQueue({ perOrganization: 1 });
  fair.push(queued('a'));
  fair.push(queued('a'));
  const first = fair.take();
  expect(fair.take()).toBeUndefined();
  if (first) fair.release(first);
  expect(fair.take()).toBeDefined();
});

test('to have been due a while earlier is worth a step of priority', () => {
  const limits = { ageMs: 1_000 };
  const old = rankOf(limits, { dueAt: 0, priority: 0 });
  expect(rankOf(limits, { dueAt: 999, priority: 1 })).toBeLessThan(old);
  expect(rankOf(limits, { dueAt: 1_001, priority: 1 })).toBeGreaterThan(old);
});
