import {
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
  for (const wrong of [{ max_jobs_per_month: -1 }, { max_jobs_per_month: 1.5 }, { max_jobs: 1 }, null])
    await expect(setQuotas(platform.metadata, root(), wrong as object)).rejects.toMatchObject({
      code: 'MAD_CORE_VALIDATION_FAILED',
    });
  await using results = createResultsDatabases(platform);
  expect(await readQuotas({ ...platform, results }, callerWith('org.view'))).toEqual({
    quotas: { max_jobs_per_month: 7 },
    used: { jobsThisMonth: 0, openJobs: 0, storedBytes: 0 },
  });
  const { items } = await inOrganization(platform.metadata, orgId, (tx) =>
    listAuditLogs(tx, { action: 'org.quota.update' }),
  );
  expect(items[0]).toMatchObject({ entity_id: orgId, metadata: { quotas: { max_jobs_per_month: 7 } } });
});

test('what was written by other means and is no limit, limits nothing', async () => {
  await inAllOrganizations(platform.metadata, (tx) =>
    updateOrganization(tx, { orgId, set: { quotas: { max_jobs_per_month: 'many', max_concurrent_jobs: -1 } } }),
  );
  expect(await createQuotas(platform).get(orgId)).toEqual({});
});
