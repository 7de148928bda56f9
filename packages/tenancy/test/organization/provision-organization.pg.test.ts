import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Placement } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { createResultsDatabases, type ProvisioningStep, provisionOrganization } from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { describeProvisioning, readOrganization } from './describe-provisioning.ts';

const placements: readonly Placement[] = ['database', 'schema'];

describe.each(placements)('on PostgreSQL', (placement) => {
  let platform: PostgresPlatform;
  afterAll(() => platform[Symbol.asyncDispose]());

  describeProvisioning({ placement, on: 'postgres' }, async () => {
    platform = await createPostgresPlatform();
    return platform;
  });

  // The first crash after the organization was written down, and one while its database is made.
  test.each(['database', 'activate'] as const)(
    'a process killed at the step %s leaves an organization that another finishes',
    async (step) => {
      const name = `Killed at ${step}`;
      await provisionAndDie({ name, placement, step, url: platform.url });
      const [half] = await readOrganization(platform.metadata, name);
      expect(half).toMatchObject({ status: 'provisioning', state: 'provisioning' });
      const { orgId } = await provisionOrganization(platform, { name, placement, cluster: 'main' });
      expect(orgId).toBe(half?.org_id);
      await using databases = createResultsDatabases(platform);
      expect(await (await databases.get(orgId)).selectFrom('jobs').select('job_id').execute()).toEqual([]);
    },
  );
});

test('a failed step says why the database refused', async () => {
  await using platform = await createPostgresPlatform();
  const login = `plain_${crypto.randomUUID().replaceAll('-', '')}`;
  await sql`create role ${sql.id(login)} login`.execute(platform.metadata);
  try {
    const connectionString = platform.url.replace(/\/\/[^@]*@/, `//${login}@`);
    const clusters = { main: { kind: 'postgres', connect: () => ({ connectionString }) } } as const;
    const provisioning = provisionOrganization(
      { metadata: platform.metadata, clusters },
      { name: 'Refused', placement: 'database', cluster: 'main' },
    );
    await expect(provisioning).rejects.toThrow(
      /stopped at step database: permission denied to create database; call it again/,
    );
  } finally {
    await sql`drop role ${sql.id(login)}`.execute(platform.metadata);
  }
});

test('of forty calls at once eight have a connection', async () => {
  const application = `provisions ${process.pid}`;
  await using platform = await createPostgresPlatform(application);
  const make = (nth: number) =>
    provisionOrganization(platform, { name: `At once ${nth}`, placement: 'schema', cluster: 'main' });
  let most = 0;
  let watching = true;
  const watch = async () => {
    while (watching) {
      const { rows } = await sql`select from pg_stat_activity where application_name = ${application}`.execute(
        platform.metadata,
      );
      most = Math.max(most, rows.length);
    }
  };
  const watched = watch();
  const made = await Promise.all(Array.from({ length: 40 }, (_, nth) => make(nth)));
  watching = false;
  await watched;
  expect(new Set(made.map(({ orgId }) => orgId)).size).toBe(40);
  expect(most).toBeGreaterThan(1);
  expect(most).toBeLessThanOrEqual(8);
});

interface Doomed {
  readonly name: string;
  readonly placement: Placement;
  readonly step: ProvisioningStep;
  readonly url: string;
}

async function provisionAndDie(doomed: Doomed): Promise<void> {
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL('./provision-and-die.ts', import.meta.url)), JSON.stringify(doomed)],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  );
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGKILL');
}
