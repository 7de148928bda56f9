import { ConflictError, inAllOrganizations, NotFoundError, newId, type Placement, updateOrgDatabase } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Clusters,
  findOrphans,
  OrganizationBusyError,
  OrganizationHoldLostError,
  ProvisioningFailedError,
  type ProvisioningStep,
  provisionOrganization,
  takeBackOrganization,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { readOrganization } from './describe-provisioning.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

describe.each<Placement>(['database', 'schema'])('placed by %s', (placement) => {
  const provision = (name: string, onStep?: (step: ProvisioningStep, moment: string) => void | Promise<void>) =>
    provisionOrganization({ ...platform, onStep }, { name, placement, cluster: 'main' });
  const leaveHalf = async (name: string, stopped: ProvisioningStep): Promise<string> => {
    await provision(name, (step) => {
      if (step === stopped) throw new Error('power cut');
    }).catch(() => {});
    return (await readOrganization(platform.metadata, name))[0]?.org_id ?? '';
  };
  const isMade = async (orgId: string) => {
    const name = `mad_results_${orgId.replaceAll('-', '')}`;
    const { rows } = await sql`select datname from pg_database where datname = ${name}
      union all select nspname from pg_namespace where nspname = ${name}`.execute(platform.metadata);
    return rows.length > 0;
  };

  test.each(['database', 'activate'] as const)(
    'half an organization, stopped at %s, is gone with all that was made for it, and its name is free',
    async (step) => {
      const name = `Half ${placement} ${step}`;
      const orgId = await leaveHalf(name, step);
      expect(await isMade(orgId)).toBe(step !== 'database');
      await takeBackOrganization(platform, { orgId });
      expect(await readOrganization(platform.metadata, name)).toEqual([]);
      expect(await isMade(orgId)).toBe(false);
      const trail = await inAllOrganizations(platform.metadata, (tx) =>
        tx.selectFrom('audit_logs').select('action').where('entity_id', '=', orgId).orderBy('audit_id').execute(),
      );
      expect(trail).toEqual([{ action: 'org.create' }, { action: 'org.take_back' }]);
      expect((await provision(name)).orgId).not.toBe(orgId);
      await expect(takeBackOrganization(platform, { orgId })).rejects.toThrow(NotFoundError);
    },
  );

  test('an active organization is not taken back', async () => {
    const { orgId } = await provision(`Whole ${placement}`);
    await expect(takeBackOrganization(platform, { orgId })).rejects.toThrow(ConflictError);
    expect(await isMade(orgId)).toBe(true);
  });

  test('an organization that is being made is not taken back at that moment', async () => {
    let refused: unknown;
    const name = `Busy ${placement}`;
    await provision(name, async (step, moment) => {
      if (step !== 'database' || moment !== 'after') return;
      const [row] = await readOrganization(platform.metadata, name);
      refused = await takeBackOrganization(platform, { orgId: row?.org_id ?? '' }).catch((error: unknown) => error);
    });
    expect(refused).toBeInstanceOf(OrganizationBusyError);
    expect(await readOrganization(platform.metadata, name)).toMatchObject([{ status: 'active' }]);
  });

  /** A way to the cluster whose nth connection waits to be let on, and whose connections can be cut. */
  const slowAt = (nth: number) => {
    const application = `slow-${newId()}`;
    const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const { main } = platform.clusters;
    let connected = 0;
    const connect = async (database?: string) => {
      if (++connected === nth) {
        reached.resolve();
        await opened.promise;
      }
      return { ...(main?.kind === 'postgres' && (await main.connect(database))), application_name: application };
    };
    const clusters: Clusters = { main: { kind: 'postgres', connect } };
    const cut = () =>
      sql`select pg_terminate_backend(pid, 5000) from pg_stat_activity where application_name = ${application}`.execute(
        platform.metadata,
      );
    return { clusters, reached: reached.promise, open: opened.resolve, cut };
  };

  test.each([2, 3, 4])('a call whose hold was cut before connection %d drops nothing that lives', async (nth) => {
    const name = `Cut at ${nth} ${placement}`;
    const orgId = await leaveHalf(name, 'activate');
    const slow = slowAt(nth);
    const late = takeBackOrganization({ ...platform, clusters: slow.clusters }, { orgId });
    late.catch(() => {});
    await slow.reached;
    await slow.cut();
    expect((await provision(name)).orgId).toBe(orgId);
    slow.open();
    await expect(late).rejects.toThrow(OrganizationHoldLostError);
    expect(await readOrganization(platform.metadata, name)).toMatchObject([{ status: 'active', state: 'ready' }]);
    expect(await isMade(orgId)).toBe(true);
  });

  test('what was taken back while the server had cut the hold of its making does not become active', async () => {
    const name = `Unheld ${placement}`;
    const slow = slowAt(0);
    let orgId = '';
    let taking: Promise<void> | undefined;
    const making = provisionOrganization(
      {
        ...platform,
        clusters: slow.clusters,
        onStep: async (step, moment) => {
          if (step !== 'database' || moment !== 'after') return;
          orgId = (await readOrganization(platform.metadata, name))[0]?.org_id ?? '';
          await slow.cut();
          // It waits for what the making has begun to write.
          taking = takeBackOrganization(platform, { orgId });
        },
      },
      { name, placement, cluster: 'main' },
    );
    await expect(making).rejects.toThrow(ProvisioningFailedError);
    await taking;
    expect(await readOrganization(platform.metadata, name)).toEqual([]);
    expect(await isMade(orgId)).toBe(false);
  });

  test('what is being taken back does not become active', async () => {
    const name = `Going ${placement}`;
    const making = provision(name, async (step, moment) => {
      if (step !== 'database' || moment !== 'after') return;
      const [row] = await readOrganization(platform.metadata, name);
      await inAllOrganizations(platform.metadata, (tx) =>
        updateOrgDatabase(tx, { orgId: row?.org_id ?? '', set: { state: 'deleting' } }),
      );
    });
    await expect(making).rejects.toThrow(ProvisioningFailedError);
    const [row] = await readOrganization(platform.metadata, name);
    expect(row).toMatchObject({ status: 'failed', state: 'deleting' });
    await expect(provision(name)).resolves.toMatchObject({ orgId: row?.org_id });
  });

  test('orphans are what no row knows, and rows whose database is gone', async () => {
    const kept = await provision(`Kept ${placement}`);
    const lost = await provision(`Lost ${placement}`);
    const half = await leaveHalf(`Known ${placement}`, 'activate');
    const stray = `mad_results_${newId().replaceAll('-', '')}`;
    const [make, drop] =
      placement === 'database'
        ? [sql`create database ${sql.id(stray)}`, sql`drop database if exists ${sql.id(stray)} with (force)`]
        : [sql`create schema ${sql.id(stray)}`, sql`drop schema if exists ${sql.id(stray)}`];
    await make.execute(platform.metadata);
    try {
      const gone = sql.id(`mad_results_${lost.orgId.replaceAll('-', '')}`);
      await (placement === 'database'
        ? sql`drop database ${gone} with (force)`
        : sql`drop schema ${gone} cascade`
      ).execute(platform.metadata);
      const found = await findOrphans(platform);
      expect(found).toContainEqual({ kind: `${placement}_unknown`, cluster: 'main', name: stray, orgId: null });
      expect(found).toContainEqual(expect.objectContaining({ kind: `${placement}_missing`, orgId: lost.orgId }));
      const named = (orgId: string) => found.filter(({ name }) => name.endsWith(orgId.replaceAll('-', '')));
      expect([...named(kept.orgId), ...named(half)]).toEqual([]);
    } finally {
      await drop.execute(platform.metadata);
    }
  });
});
