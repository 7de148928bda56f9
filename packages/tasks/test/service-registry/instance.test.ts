import { setTimeout } from 'node:timers/promises';
import type { JsonObject, TaskServiceStateRow } from '@mad/core';
import { expect, test } from 'vitest';
import { chooseInstance } from '../../src/service-registry/choose-instance.ts';
import { Instance } from '../../src/service-registry/instance.ts';

const T = 1_000_000;
const CHECK = { intervalMs: 30_000 };

function row(resources: JsonObject = {}, more: Partial<TaskServiceStateRow> = {}): TaskServiceStateRow {
  return {
    service_id: 'one',
    task_definition_id: 'task',
    service_url: 'http://127.0.0.1:1',
    pod_name: null,
    node_name: null,
    health_status: 'healthy',
    last_health_check: new Date(0),
    resources_used: resources,
    started_at: new Date(0),
    service_config: {},
    checked_ms_ago: 0,
    load_ms_ago: resources.load_at === undefined ? null : 0,
    ...more,
  };
}

test('its load is the calls that are open here, and those of others that it told of', () => {
  const instance = new Instance(row({ capacity: 8, running: 2, waiting: 1, load_at: 1 }), { now: T });
  expect(instance.load).toBe(3);
  const mine = [instance.begin(T + 10), instance.begin(T + 20)];
  expect(instance.load).toBe(5);
  // The next report holds both of mine, and one of the others has ended.
  instance.tell(row({ capacity: 8, running: 4, waiting: 0, load_at: 2 }), T + 1_000);
  expect(instance.load).toBe(4);
  mine[0]?.end('well', T + 1_100);
  expect(instance.load).toBe(3);
  mine[1]?.end('well', T + 1_200);
  // Told again long after they ended, the same report means the same.
  for (const ms of [9_000, 9_500])
    instance.tell(row({ capacity: 8, running: 4, waiting: 0, load_at: 2 }, { load_ms_ago: ms }), T + 1_000 + ms);
  expect(instance.load).toBe(2);
});

test('a call that ended between a report and its arrival is not taken for one of another', () => {
  const instance = new Instance(row({ capacity: 1, running: 0, waiting: 0, load_at: 1 }), { now: T });
  const mine = instance.begin(T + 10);
  mine.end('well', T + 500);
  instance.tell(row({ capacity: 1, running: 1, waiting: 0, load_at: 2 }, { load_ms_ago: 300 }), T + 600);
  expect([instance.load, instance.hasRoom]).toEqual([0, true]);
});

test('a report of long ago says nothing of the load', () => {
  const old = row({ capacity: 1, running: 1, waiting: 5, load_at: 1 }, { load_ms_ago: 60_000 });
  expect(new Instance(old, { now: T }).load).toBe(0);
});

test('without a capacity there is always room', () => {
  const instance = new Instance(row(), { now: T });
  for (let n = 0; n < 20; n++) instance.begin(T);
  expect([instance.load, instance.hasRoom]).toEqual([20, true]);
});

test('what it told counts for the interval', () => {
  const instance = new Instance(row({}, { checked_ms_ago: 10_000 }), { now: T });
  expect(instance.healthAt(T + 19_999, CHECK)).toBe('healthy');
  expect(instance.healthAt(T + 20_000, CHECK)).toBe('unknown');
});

test('one that was not reached must be asked, though it says that it lives', () => {
  const instance = new Instance(row(), { now: T });
  instance.find(false, T + 1_000);
  expect(instance.healthAt(T + 2_000, CHECK)).toBe('unhealthy');
  instance.tell(row(), T + 5_000);
  expect(instance.healthAt(T + 6_000, CHECK)).toBe('unknown');
  instance.tell(row(), T + 40_000);
  expect(instance.healthAt(T + 40_000, CHECK)).toBe('unknown');
  instance.find(true, T + 41_000);
  expect(instance.healthAt(T + 41_000, CHECK)).toBe('healthy');
});

test('what another found later counts more than what was found here', () => {
  const instance = new Instance(row(), { now: T });
  instance.find(true, T + 1_000);
  instance.tell(row({}, { health_status: 'unhealthy' }), T + 2_000);
  expect(instance.healthAt(T + 3_000, CHECK)).toBe('unhealthy');
});

test('registered anew it begins anew: its circuit is closed, its document not looked at', async () => {
  const instance = new Instance(row(), { now: T, circuit: { failures: 1 } });
  instance.guardedAt = T;
  instance.begin(T).end('sick', T);
  await setTimeout(0);
  instance.tell(row(), T + 1_000);
  expect([instance.circuit.isPassable, instance.guardedAt]).toEqual([false, T]);
  instance.tell(row({}, { started_at: new Date(1) }), T + 2_000);
  expect([instance.circuit.isPassable, instance.guardedAt]).toEqual([true, undefined]);
});

test('in quarantine it is unhealthy and takes no calls, whatever else is told', () => {
  const instance = new Instance(row({ quarantine: 'by hand' }), { now: T });
  expect([instance.healthAt(T, CHECK), instance.isOffered]).toEqual(['unhealthy', false]);
});

test('the one with the least to do for what it can do is chosen, by chance among equals', () => {
  const small = new Instance(row({ capacity: 2, running: 1, waiting: 0, load_at: 1 }), { now: T });
  const large = new Instance(row({ capacity: 16, running: 6, waiting: 0, load_at: 1 }), { now: T });
  expect(chooseInstance([small, large])).toBe(large);
  expect(chooseInstance([])).toBeUndefined();
  const equals = Array.from({ length: 3 }, () => new Instance(row({ capacity: 4 }), { now: T }));
  const chosen = new Set(Array.from({ length: 200 }, () => chooseInstance(equals)));
  expect(chosen.size).toBe(3);
});
