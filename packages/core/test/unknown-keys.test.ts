import { expect, test } from 'vitest';
import type { ValidationFailedError } from '../src/index.ts';
import { parseSubmitRequest, type SubmitJob } from '../src/job/parse-submit-request.ts';
import { listUnknownKeys, refuseUnknownKeys } from '../src/unknown-keys.ts';

const full: Required<SubmitJob> = {
  ...{ pipeline: 'docking', version: '1.0.0', inputs: {}, parameters: {}, useCache: false, minConfidence: 0.5 },
  ...{ acceptStochastic: true, idempotencyKey: 'k', priority: 1, deadline: '2031-01-01T00:00:00Z' },
  ...{ runAfter: '2030-01-01T00:00:00Z', screeningId: '0195d0c0-0000-7000-8000-00000000000a', itemKey: 'i' },
};
const issuesOf = (request: object) => {
  try {
    parseSubmitRequest(request as SubmitJob);
    return [];
  } catch (error) {
    return (error as ValidationFailedError).issues.map(({ pointer, message }) => `${pointer} ${message}`);
  }
};

test('every option of a submission is one', () => {
  expect(parseSubmitRequest(full)).toMatchObject({ useCache: false, minConfidence: 0.5, acceptStochastic: true });
});

test.each([
  ['useCahce', 'useCache'],
  ['min_confidence', 'minConfidence'],
  ['parameter', 'parameters'],
  ['USECACHE', undefined],
  ['force', undefined],
])('an option %s is refused, with what it may have meant: %s', (key, near) => {
  const [issue, ...others] = issuesOf({ pipeline: 'docking', [key]: false });
  expect(others).toEqual([]);
  const hint = near === undefined ? 'expected one of pipeline, version, ' : `did you mean ${near}?`;
  expect(issue).toContain(`/${key} no such option; ${hint}`);
});

test('hostile keys do not travel on, and are not told by the thousand', () => {
  const hostile = Object.fromEntries(
    Array.from({ length: 1_000 }, (_, n) => [`\0\ud800${n}~/${'x'.repeat(5_000)}`, 1]),
  );
  const issues = listUnknownKeys(hostile, ['pipeline']);
  expect(issues).toHaveLength(20);
  expect(issues[0]?.pointer).toMatch(/^\/\ufffd\ufffd0~0~1x+$/);
  expect(issues[0]?.pointer.length).toBeLessThan(110);
  const throwing = new Proxy({}, { ownKeys: () => [].reduce((a) => a) });
  expect(() => refuseUnknownKeys('job', throwing, [])).toThrow(/this value throws when it is read/);
});
