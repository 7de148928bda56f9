import { type Clock, TaskFailedError } from '@mad/core';
import { describe, expect, test } from 'vitest';
import type { ServiceAnswer } from '../../../src/client/exchange/send-request.ts';
import { RetryBudget, withRetries } from '../../../src/client/exchange/with-retries.ts';

const answer = (status: number, headers: Readonly<Record<string, string>> = {}): ServiceAnswer => ({
  status,
  body: Buffer.alloc(0),
  header: (name) => headers[name],
});
const failure = (failureCode: string, retryable = true) =>
  new TaskFailedError({ failureCode, message: 'x', retryable });

/** Sends to a service that behaves so, attempt by attempt; the last of it goes on. */
async function send(
  behaviour: readonly (ServiceAnswer | Error)[],
  { isRepeatable = true, budget = new RetryBudget() } = {},
): Promise<{ readonly outcome: unknown; readonly sent: number; readonly waits: readonly number[] }> {
  let sent = 0;
  const waits: number[] = [];
  const clock: Clock = { now: () => new Date(), sleep: async (ms) => void waits.push(ms) };
  const { signal } = new AbortController();
  const one = async () => {
    const next = behaviour[Math.min(sent++, behaviour.length - 1)];
    if (next instanceof Error || next === undefined) throw next;
    return next;
  };
  const outcome = await withRetries(one, { isRepeatable, budget, clock, signal, onRetry: () => {} }).then(
    ({ status }) => status,
    (error: unknown) => (error instanceof TaskFailedError ? error.failureCode : error),
  );
  return { outcome, sent, waits };
}

test.each([408, 425, 429, 502, 503, 504])('status %i may pass: what is repeatable is sent again', async (status) => {
  expect(await send([answer(status), answer(200)])).toMatchObject({ outcome: 200, sent: 2 });
  expect(await send([answer(status)])).toMatchObject({ outcome: status, sent: 3 });
  expect(await send([answer(status), answer(200)], { isRepeatable: false })).toMatchObject({
    outcome: status,
    sent: 1,
  });
});

test.each([200, 202, 302, 400, 404, 500, 501])('status %i is an answer', async (status) => {
  expect(await send([answer(status)])).toMatchObject({ outcome: status, sent: 1 });
});

test('a service that nobody reached is asked again whatever is sent, one that broke off only for what is repeatable', async () => {
  const [unreached, lost] = [failure('SERVICE_UNAVAILABLE'), failure('CONNECTION_LOST')];
  const isRepeatable = false;
  expect(await send([unreached, answer(200)], { isRepeatable })).toMatchObject({ outcome: 200, sent: 2 });
  expect(await send([lost, answer(200)], { isRepeatable })).toMatchObject({ outcome: 'CONNECTION_LOST', sent: 1 });
  expect(await send([lost, lost, answer(200)])).toMatchObject({ outcome: 200, sent: 3 });
  expect(await send([failure('RESPONSE_TOO_LARGE', false)])).toMatchObject({ outcome: 'RESPONSE_TOO_LARGE', sent: 1 });
});

test('waits grow, and are those that the service asks for', async () => {
  const { waits } = await send([answer(503)]);
  expect(waits).toHaveLength(2);
  expect(waits[0]).toSatisfy((ms: number) => ms > 100 && ms <= 200);
  expect(waits[1]).toSatisfy((ms: number) => ms > 200 && ms <= 400);
  expect((await send([answer(503, { 'retry-after': '2' }), answer(200)])).waits).toEqual([2_000]);
  const at = new Date(Date.now() + 3_000).toUTCString();
  expect((await send([answer(503, { 'retry-after': at }), answer(200)])).waits[0]).toBeGreaterThan(1_000);
});

test('what would wait long is left to the caller', async () => {
  expect(await send([answer(429, { 'retry-after': '6' })])).toMatchObject({ outcome: 429, sent: 1, waits: [] });
});

describe('a service in trouble', () => {
  test('is asked again ten times, and then once for ten calls', async () => {
    const budget = new RetryBudget();
    const sent = async () => (await send([answer(503)], { budget })).sent;
    const first = [await sent(), await sent(), await sent(), await sent(), await sent()];
    expect(first).toEqual([3, 3, 3, 3, 3]);
    let extra = 0;
    for (let call = 0; call < 100; call++) extra += (await sent()) - 1;
    expect(extra).toBeGreaterThanOrEqual(9);
    expect(extra).toBeLessThanOrEqual(11);
  });
});

test('the deadline of the call is no fault of the service', async () => {
  const budget = new RetryBudget();
  const late = new AbortController();
  const clock: Clock = { now: () => new Date(), sleep: async () => {} };
  const retried: unknown[] = [];
  const sending = withRetries(
    async () => {
      late.abort(failure('TIMEOUT'));
      throw failure('TIMEOUT');
    },
    { isRepeatable: true, budget, clock, signal: late.signal, onRetry: (retry) => void retried.push(retry) },
  );
  await expect(sending).rejects.toMatchObject({ failureCode: 'TIMEOUT' });
  expect(retried).toEqual([]);
});
