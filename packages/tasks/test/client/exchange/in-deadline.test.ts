import { setTimeout } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { inDeadline } from '../../../src/client/exchange/in-deadline.ts';

const never = new AbortController().signal;

test('a result in time is the result', async () => {
  expect(await inDeadline({ timeoutMs: 10_000, signal: never, subject: 'dock' }, async () => 'done')).toBe('done');
});

test('a result that comes after the deadline is a TIMEOUT', async () => {
  const late = inDeadline({ timeoutMs: 5, signal: never, subject: 'dock' }, () => setTimeout(40, 'late'));
  await expect(late).rejects.toMatchObject({ failureCode: 'TIMEOUT', retryable: true });
});

test('a result that comes after the caller canceled is CANCELED', async () => {
  const caller = new AbortController();
  const late = inDeadline({ timeoutMs: 10_000, signal: caller.signal, subject: 'dock' }, async () => {
    caller.abort();
    return 'late';
  });
  await expect(late).rejects.toMatchObject({ failureCode: 'CANCELED', retryable: false });
});
