import { setTimeout } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { Places } from '../../src/service/execution/places.ts';
import { RecentDurations } from '../../src/service/execution/recent-durations.ts';
import { wait } from '../operations.ts';
import { controlled, until } from './controlled.ts';
import { serve } from './serve.ts';

describe('the limits of an operation', () => {
  test('a queueLimit of 0 lets none wait', async () => {
    const { operation, seen, open } = controlled(false);
    await using served = await serve({ operations: [operation], concurrency: 2, queueLimit: 0 });
    const running = [1, 2].map((n) => served.call('POST', '/controlled/execute', { body: { n } }));
    await until(() => seen.begun === 2);
    const refused = await served.call('POST', '/controlled/execute', { body: { n: 3 } });
    expect(refused).toMatchObject({ status: 503, body: { error: { code: 'SERVICE_UNAVAILABLE' } } });
    open();
    expect((await Promise.all(running)).map(({ status }) => status)).toEqual([200, 200]);
    expect((await served.call('POST', '/controlled/execute', { body: { n: 3 } })).status).toBe(200);
  });

  test('Retry-After of a refusal is the time that recent executions let expect, not a constant', async () => {
    await using served = await serve({ operations: [wait], concurrency: 1, queueLimit: 2 });
    await served.call('POST', '/wait/execute', { body: { ms: 1_200 } });
    await until(() => served.service.operations[0]?.load.running === 0);
    for (let n = 0; n < 3; n++) await served.call('POST', '/wait/execute', { body: { ms: 5_000 } });
    const refused = await served.call('POST', '/wait/execute', { body: { ms: 0 } });
    // The median of 1.2 s, three turns.
    expect(refused.headers.get('retry-after')).toBe('4');
    expect(refused.status).toBe(503);
  });
});

describe('places', () => {
  test('are taken in order, and given back', async () => {
    const places = new Places(1);
    const { signal } = new AbortController();
    const order: number[] = [];
    const entering = [1, 2, 3].map((n) => places.enter(signal).then(() => order.push(n)));
    expect(places.waiting).toBe(2);
    for (const entered of entering) {
      await entered;
      places.leave();
    }
    expect(order).toEqual([1, 2, 3]);
    expect(places).toMatchObject({ taken: 0, waiting: 0 });
  });

  test('who gives up in the moment it is given a place takes nobody else with it', async () => {
    const places = new Places(1);
    const { signal } = new AbortController();
    const second = new AbortController();
    await places.enter(signal);
    const entering = [places.enter(second.signal), places.enter(signal)];
    places.leave();
    second.abort();
    expect(await entering[0]).toBe(true);
    places.leave();
    expect(await Promise.race([entering[1], setTimeout(100, 'lost')])).toBe(true);
  });
});

test('the median of recent durations forgets what is long past', () => {
  const durations = new RecentDurations();
  expect(durations.medianMs).toBeUndefined();
  for (const ms of [9, 1, 5]) durations.add(ms);
  expect(durations.medianMs).toBe(5);
  for (let n = 0; n < 100; n++) durations.add(1);
  for (let n = 0; n < 32; n++) durations.add(100);
  expect(durations.medianMs).toBe(100);
});
