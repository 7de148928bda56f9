import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ConflictError, publishPipeline, submitJob } from '../../src/index.ts';
import { createTestTasks, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

describe('submitting on a real server', () => {
  let host: TestPlatform;
  beforeAll(async () => {
    host = await openTestPlatform('postgres', createTestTasks({ count: () => ({}) }));
    await publishPipeline(host.platform, host.caller, {
      name: 'counting',
      version: '1.0.0',
      spec: {
        version: 1,
        parameters: { type: 'object', properties: { n: { type: 'integer' } }, required: ['n'] },
        tasks: [step('count', { inputs: { n: { from: '/parameters/n' } } })],
      },
    });
  });
  afterAll(() => host[Symbol.asyncDispose]());
  beforeEach(() => host.results.deleteFrom('jobs').execute());

  test('of racing submits of one idempotency key with different requests one is accepted, the others are told', async () => {
    for (let round = 0; round < 5; round++) {
      const submits = [1, 2, 3, 4].map((n) =>
        submitJob(host.platform, host.caller, {
          pipeline: 'counting',
          parameters: { n },
          idempotencyKey: `race-${round}`,
        }),
      );
      const settled = await Promise.allSettled(submits);
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
      expect(refused.every((error) => error instanceof ConflictError)).toBe(true);
    }
  });
});
