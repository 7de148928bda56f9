import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  type Caller,
  deprecateVersion,
  inAllOrganizations,
  insertUser,
  NotFoundError,
  newId,
  publishPipeline,
  submitJob,
} from '../../src/index.ts';
import { createTestTasks, OTHER_ORG_ID, openTestPlatform, step, type TestPlatform } from '../executor/test-platform.ts';

let host: TestPlatform;
let maker: Caller;
beforeAll(async () => {
  host = await openTestPlatform('pglite', createTestTasks({ count: () => ({}) }));
  const user = { email: `${newId()}@example.org`, hashed_password: undefined };
  const { user_id: userId } = await inAllOrganizations(host.metadata, (tx) => insertUser(tx, user));
  const permissions = new Set([...host.caller.permissions, 'pipeline.update', 'pipeline.view', 'pipeline.delete']);
  maker = { ...host.caller, userId, permissions };
});
afterAll(() => host[Symbol.asyncDispose]());

const publish = (name: string, version: string, visibility: 'private' | 'org') =>
  publishPipeline(host.platform, maker, {
    ...{ name, version, visibility },
    spec: { version: 1, tasks: [step('count', { inputs: {} })] },
  });
const submit = (caller: Caller, pipeline: string) => submitJob(host.platform, caller, { pipeline });
const versionRun = async (caller: Caller, pipeline: string) => {
  const { jobId } = await submit(caller, pipeline);
  const job = await host.results
    .selectFrom('jobs')
    .select('pipeline_version')
    .where('job_id', '=', jobId)
    .executeTakeFirst();
  return job?.pipeline_version;
};

// Within the second in which what was read counts as known.
test('what its maker just ran of a private pipeline is open to nobody else, in this organization or another', async () => {
  await publish('mine', '1.0.0', 'private');
  await submit(maker, 'mine');
  await expect(submit({ ...maker, userId: newId() }, 'mine')).rejects.toThrow(NotFoundError);
  await expect(submit({ ...maker, userId: null }, 'mine')).rejects.toThrow(NotFoundError);
  await expect(submit({ ...maker, orgId: OTHER_ORG_ID }, 'mine')).rejects.toThrow(NotFoundError);
});

test('a version that was published or deprecated in this process counts at once', async () => {
  await publish('ours', '1.0.0', 'org');
  expect(await versionRun(maker, 'ours')).toBe('ours@1.0.0');
  await publish('ours', '1.1.0', 'org');
  expect(await versionRun(maker, 'ours')).toBe('ours@1.1.0');
  await deprecateVersion(host.platform, maker, { pipeline: 'ours', version: '1.1.0' });
  expect(await versionRun(maker, 'ours')).toBe('ours@1.0.0');
});
