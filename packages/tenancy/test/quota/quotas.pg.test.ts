import {
  auditDigest,
  inAllOrganizations,
  inOrganization,
  listAuditLogs,
  newId,
  PermissionDeniedError,
  updateOrganization,
} from '@mad/core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createQuotas, createResultsDatabases, provisionOrganization, readQuotas, setQuotas } from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
let orgId: string;
beforeAll(async () => {
  platform = await createPostgresPlatform();
  const request = { name: 'Limited', placement: 'schema', cluster: 'main', quotas: { max_jobs_per_month: 3 } } as const;
  ({ orgId } = await provisionOrganization(platform, request));
});
afterAll(() => platform[Symbol.asyncDispose]());

const callerWith = (...permissions: string[]) => ({ orgId, userId: null, permissions: new Set(permissions) });
const root = () => callerWith('org.quota.update', 'org.view');

test('limits are those of the row, and a change holds after a moment', async () => {
  let now = new Date('2026-01-01');
  const quotas = createQuotas({ metadata: platform.metadata, clock: { now: () => now, sleep: async () => {} } });
  expect(await quotas.get(orgId)).toEqual({ maxJobsPerMonth: 3 });
  await setQuotas(platform.metadata, root(), { max_concurrent_jobs: 2, max_storage_gb: 0.5 });
  expect(await quotas.get(orgId)).toMatchObject({ maxJobsPerMonth: 3 });
  now = new Date(now.getTime() + 1_000);
  expect(await quotas.get(orgId)).toEqual({ maxConcurrentJobs: 2, maxStorageBytes: 5e8 });
  await expect(quotas.get(newId())).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
});

test('limits are set by who may, are checked, and leave a trace', async () => {
  await setQuotas(platform.metadata, root(), { max_jobs_per_month: 7 });
  await expect(setQuotas(platform.metadata, callerWith('org.update'), {})).rejects.toBeInstanceOf(
    PermissionDeniedError,
  );
  for (const wrong of [
    { max_jobs_per_month: -1 },
    { max_jobs_per_month: 1.5 },
    { max_storage_gb: -0.5 },
    { max_jobs: 1 },
    null,
  ])
    await expect(setQuotas(platform.metadata, root(), wrong as object)).rejects.toMatchObject({
      code: 'MAD_CORE_VALIDATION_FAILED',
    });
  await using results = createResultsDatabases(platform);
  expect(await readQuotas({ ...platform, results }, callerWith('org.view'))).toEqual({
    quotas: { max_jobs_per_month: 7 },
    used: { jobsThisMonth: 0, openJobs: 0, storedBytes: 0 },
  });
  await expect(readQuotas({ ...platform, results }, callerWith('org.quota.update'))).rejects.toBeInstanceOf(
    PermissionDeniedError,
  );
  await setQuotas(platform.metadata, root(), {});
  const { items } = await inOrganization(platform.metadata, orgId, (tx) =>
    listAuditLogs(tx, { action: 'org.quota.update' }),
  );
  const [last, first] = items;
  expect(first).toMatchObject({ entity_id: orgId, metadata: { quotas: { max_jobs_per_month: 7 } } });
  expect(last?.metadata).toMatchObject({ before: auditDigest({ max_jobs_per_month: 7 }), after: auditDigest({}) });
});

test('what was written by other means and is no limit, limits nothing', async () => {
  await inAllOrganizations(platform.metadata, (tx) =>
    updateOrganization(tx, {
      orgId,
      set: { quotas: { max_jobs_per_month: '3', max_concurrent_jobs: -1, max_storage_gb: null } },
    }),
  );
  expect(await createQuotas(platform).get(orgId)).toEqual({});
});

test('a limit of zero is one', async () => {
  await setQuotas(platform.metadata, root(), { max_jobs_per_month: 0, max_concurrent_jobs: 0, max_storage_gb: 0 });
  expect(await createQuotas(platform).get(orgId)).toEqual({
    maxJobsPerMonth: 0,
    maxConcurrentJobs: 0,
    maxStorageBytes: 0,
  });
});

test('limits are kept for as long as the host says, a failure to read them is not', async () => {
  let now = new Date('2026-01-01');
  const clock = { now: () => now, sleep: async () => {} };
  const quotas = createQuotas({ metadata: platform.metadata, clock, refreshMs: 5_000 });
  const late = newId();
  await expect(quotas.get(late)).rejects.toMatchObject({ code: 'MAD_CORE_NOT_FOUND' });
  const request = { name: 'Late', orgId: late, placement: 'schema', cluster: 'main' } as const;
  await provisionOrganization(platform, { ...request, quotas: { max_concurrent_jobs: 1 } });
  expect(await quotas.get(late)).toEqual({ maxConcurrentJobs: 1 });
  await inAllOrganizations(platform.metadata, (tx) => updateOrganization(tx, { orgId: late, set: { quotas: {} } }));
  now = new Date(now.getTime() + 4_999);
  expect(await quotas.get(late)).toEqual({ maxConcurrentJobs: 1 });
  now = new Date(now.getTime() + 1);
  expect(await quotas.get(late)).toEqual({});
});
