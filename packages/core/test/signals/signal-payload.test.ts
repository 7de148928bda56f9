import { expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { EVERY } from '../../src/signals/every.ts';
import { SignalOutbox } from '../../src/signals/signal-outbox.ts';
import { findSignalMessage, formatSignalPayloads } from '../../src/signals/signal-payload.ts';

const sender = '00ff00ff00ff00ff';

test('a thousand job ids travel in three payloads that PostgreSQL takes, and come out as they went in', () => {
  const orgId = newId();
  const jobIds = Array.from({ length: 1_000 }, newId);
  const payloads = formatSignalPayloads({ sender, orgId, jobIds });
  expect(payloads).toHaveLength(3);
  expect(Math.max(...payloads.map((payload) => Buffer.byteLength(payload)))).toBeLessThan(8_000);
  const messages = payloads.map(findSignalMessage);
  expect(messages.every((message) => message?.sender === sender && message.orgId === orgId)).toBe(true);
  expect(messages.flatMap((message) => message?.jobIds)).toEqual(jobIds);
});

test('every job of an organization is one short payload', () => {
  const orgId = newId();
  const [payload = '', ...more] = formatSignalPayloads({ sender, orgId, jobIds: [newId(), EVERY] });
  expect(more).toEqual([]);
  expect(payload).toHaveLength(32);
  expect(findSignalMessage(payload)).toEqual({ sender, orgId, jobIds: [EVERY] });
});

test('what is no uuid is not sent, and a foreign payload is no message', () => {
  expect(formatSignalPayloads({ sender, orgId: newId(), jobIds: ["'; drop table jobs", ''] })).toEqual([]);
  expect(formatSignalPayloads({ sender, orgId: EVERY, jobIds: [newId()] })).toEqual([]);
  for (const payload of ['', 'hello', '{"job":1}', 'A'.repeat(40)]) expect(findSignalMessage(payload)).toBeUndefined();
});

test('what waits is told once a job, by organization and topic, and past some thousand jobs as every job', () => {
  const outbox = new SignalOutbox();
  const [a, b] = [newId(), newId()];
  outbox.add('job.changed', [
    { orgId: a, jobId: '1' },
    { orgId: b, jobId: '2' },
    { orgId: a, jobId: '1' },
  ]);
  outbox.add('job.cancel', [{ orgId: a, jobId: '1' }]);
  const taken = outbox.take();
  expect(taken).toEqual([
    { topic: 'job.changed', orgId: a, jobIds: new Set(['1']) },
    { topic: 'job.changed', orgId: b, jobIds: new Set(['2']) },
    { topic: 'job.cancel', orgId: a, jobIds: new Set(['1']) },
  ]);
  expect(outbox.isEmpty).toBe(true);

  outbox.add(
    'job.changed',
    Array.from({ length: 5_000 }, (_, index) => ({ orgId: b, jobId: `n${index}` })),
  );
  outbox.putBack(taken);
  expect(outbox.take().map(({ orgId, jobIds }) => [orgId, ...jobIds])).toEqual([
    [b, EVERY],
    [a, '1'],
    [a, '1'],
  ]);
});
