import {
  ConflictError,
  inAllOrganizations,
  type MetadataDatabase,
  newId,
  OrganizationInactiveError,
  type Placement,
  updateOrganization,
  ValidationFailedError,
} from '@mad/core';
import { beforeAll, describe, expect, test } from 'vitest';
import {
  type Clusters,
  ClusterUnknownError,
  createResultsDatabases,
  findCaller,
  ProvisioningFailedError,
  type ProvisioningStep,
  provisionOrganization,
  SEEDED_ROLES,
} from '../../src/index.ts';

export interface Platform {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
}

/** On a server the copy needs no migrations. */
const STEPS = { postgres: ['database', 'activate'], pglite: ['database', 'migrate', 'activate'] } as const;

export interface Placed {
  readonly placement: Placement;
  readonly on: keyof typeof STEPS;
}

export const readOrganization = (metadata: MetadataDatabase, name: string) =>
  inAllOrganizations(metadata, (tx) =>
    tx
      .selectFrom('organizations')
      .innerJoin('org_databases', 'org_databases.org_id', 'organizations.org_id')
      .selectAll()
      .where('name', '=', name)
      .execute(),
  );

/** What provisioning promises, on whichever server and placement. */
export function describeProvisioning({ placement, on }: Placed, open: () => Promise<Platform>): void {
  let platform: Platform;
  beforeAll(async () => {
    platform = await open();
  });

  const provision = (name: string, onStep?: (step: ProvisioningStep) => void) =>
    provisionOrganization(
      { ...platform, onStep },
      { name, placement, cluster: 'main', admin: { email: 'ada@example.org' }, quotas: { max_concurrent_jobs: 3 } },
    );

  describe(`placed by ${placement}`, () => {
    test('an organization is active, has its own database, roles, storage and administrator', async () => {
      const { orgId, adminUserId } = await provision('Acme');
      const [organization] = await readOrganization(platform.metadata, 'Acme');
      const name = `mad_results_${orgId.replaceAll('-', '')}`;
      expect(organization).toMatchObject({
        status: 'active',
        quotas: { max_concurrent_jobs: 3 },
        state: 'ready',
        error: null,
        placement,
        cluster: 'main',
      });
      expect(organization).toMatchObject(
        placement === 'database'
          ? { database_name: name, schema_name: 'public' }
          : { database_name: null, schema_name: name },
      );
      await using databases = createResultsDatabases(platform);
      const results = await databases.get(orgId);
      expect(await results.selectFrom('jobs').select('job_id').execute()).toEqual([]);
      const caller = await findCaller(platform.metadata, { orgId, userId: adminUserId ?? '' });
      expect([...(caller?.permissions ?? [])].sort()).toEqual([...SEEDED_ROLES.admin].sort());
      const settings = await inAllOrganizations(platform.metadata, (tx) =>
        tx.selectFrom('org_settings').selectAll().where('org_id', '=', orgId).execute(),
      );
      expect(settings).toMatchObject([{ storage_prefix: orgId }]);
    });

    test.each(STEPS[on])(
      'stopped before the step %s it answers nothing, and the same call goes on',
      async (stopped) => {
        const name = `Stopped before ${stopped}`;
        const stop = provision(name, (step) => {
          if (step === stopped) throw new Error('power cut');
        });
        await expect(stop).rejects.toMatchObject({
          code: ProvisioningFailedError.code,
          message: expect.stringMatching(/stopped at step \w+; call it again/),
          retryable: true,
          details: { step: stopped },
        });
        const [half] = await readOrganization(platform.metadata, name);
        expect(half).toMatchObject({ status: 'failed', state: 'failed', error: { step: stopped } });
        await using databases = createResultsDatabases(platform);
        await expect(databases.get(half?.org_id ?? '')).rejects.toThrow(OrganizationInactiveError);

        const { orgId } = await provision(name.toUpperCase());
        expect(orgId).toBe(half?.org_id);
        expect(await readOrganization(platform.metadata, name)).toMatchObject([
          { status: 'active', state: 'ready', error: null },
        ]);
        expect(await (await databases.get(orgId)).selectFrom('jobs').select('job_id').execute()).toEqual([]);
      },
    );

    test('a call for an active organization, its name in whatever case, returns it and changes nothing', async () => {
      const made = await provision('Umbrella');
      const [before] = await readOrganization(platform.metadata, 'Umbrella');
      const steps: ProvisioningStep[] = [];
      expect(await provision(' UMBRELLA ', (step) => void steps.push(step))).toEqual(made);
      expect(await readOrganization(platform.metadata, 'Umbrella')).toEqual([before]);
      expect([...new Set(steps)]).toEqual(['record']);
    });

    test('a call for an active organization makes sure of the administrator it names', async () => {
      const { orgId } = await provision('Initech');
      const again = (admin?: { email: string }) =>
        provisionOrganization(platform, { name: 'Initech', placement, cluster: 'main', admin });
      expect(await again()).toEqual({ orgId, placement, cluster: 'main', adminUserId: null });
      const { adminUserId } = await again({ email: 'grace@example.org' });
      const caller = await findCaller(platform.metadata, { orgId, userId: adminUserId ?? '' });
      expect(caller?.permissions).toEqual(new Set(SEEDED_ROLES.admin));
      expect(await again({ email: 'grace@example.org' })).toMatchObject({ adminUserId });
    });

    test('a call with a new id makes nobody administrator of the active organization that has the name', async () => {
      await provision('Hooli');
      const request = { name: 'hooli', placement, cluster: 'main', admin: { email: 'stranger@example.org' } };
      const signUp = provisionOrganization(platform, { ...request, orgId: newId() });
      await expect(signUp).rejects.toThrow(ConflictError);
      const strangers = await inAllOrganizations(platform.metadata, (tx) =>
        tx.selectFrom('users').select('user_id').where('email', '=', 'stranger@example.org').execute(),
      );
      expect(strangers).toEqual([]);
    });

    test.each([
      ['suspended', 'reactivate it, or choose another name'],
      ['deleting', 'choose another name'],
    ] as const)('the name of an organization that is %s is refused', async (status, hint) => {
      const { orgId } = await provision(`Once ${status}`);
      await inAllOrganizations(platform.metadata, (tx) => updateOrganization(tx, { orgId, set: { status } }));
      await expect(provision(`Once ${status}`)).rejects.toThrow(`it is ${status}; ${hint}`);
    });

    test('two calls at once end in one organization', async () => {
      const outcomes = await Promise.allSettled([provision('Twice'), provision('twice'), provision('TWICE')]);
      const ids = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value.orgId] : []));
      expect(ids).toHaveLength(3);
      expect(new Set(ids).size).toBe(1);
      const rows = await inAllOrganizations(platform.metadata, (tx) =>
        tx.selectFrom('organizations').selectAll().where('name', 'ilike', 'twice').execute(),
      );
      expect(rows).toMatchObject([{ org_id: ids[0], status: 'active' }]);
    });

    test('an organization left half-way is not taken up by an id or a place of another', async () => {
      const { orgId: taken } = await provision('Whole');
      const half = 'Half';
      await provision(half, (step) => {
        if (step === 'database') throw new Error('power cut');
      }).catch(() => {});
      const go = (request: { orgId?: string; name: string; cluster?: string }) =>
        provisionOrganization(
          {
            ...platform,
            clusters: {
              ...platform.clusters,
              spare: platform.clusters.main ?? { kind: 'postgres', connect: () => ({}) },
            },
          },
          { placement, cluster: 'main', ...request },
        );
      await expect(go({ name: half, orgId: newId() })).rejects.toThrow(/different organizations/);
      await expect(go({ name: half, orgId: taken })).rejects.toThrow(/different organizations/);
      await expect(go({ name: 'Unheard of', orgId: taken })).rejects.toThrow(/different organizations/);
      await expect(go({ name: half, cluster: 'spare' })).rejects.toThrow(/begun by placement \w+ on cluster main/);
      await expect(go({ name: 'Whole', cluster: 'spare' })).rejects.toThrow(/it has placement \w+ on cluster main/);
      const [organization] = await readOrganization(platform.metadata, half);
      expect(organization).toMatchObject({ status: 'failed' });
      expect(await go({ name: half, ...(organization && { orgId: organization.org_id }) })).toMatchObject({
        orgId: organization?.org_id,
      });
    });

    test('what cannot be provisioned is refused before anything is written', async () => {
      const request = { name: 'Never', placement, cluster: 'main' };
      const attempts = [
        [{ ...request, name: ' \n ' }, ValidationFailedError],
        [{ ...request, name: 'x'.repeat(101) }, ValidationFailedError],
        [{ ...request, name: 'Nev\u0007er' }, ValidationFailedError],
        [{ ...request, name: crypto.randomUUID().toUpperCase() }, ValidationFailedError],
        [{ ...request, orgId: 'not-a-uuid' }, ValidationFailedError],
        [{ ...request, orgId: '00000000-0000-0000-0000-000000000000' }, ValidationFailedError],
        [{ ...request, orgId: 'FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF' }, ValidationFailedError],
        [{ ...request, admin: { email: 'nobody' } }, ValidationFailedError],
        [{ ...request, quotas: { max_concurrent_jobs: -1 } }, ValidationFailedError],
        [{ ...request, cluster: 'constructor' }, ClusterUnknownError],
      ] as const;
      for (const [attempt, error] of attempts)
        await expect(provisionOrganization(platform, attempt)).rejects.toThrow(error);
      expect(await readOrganization(platform.metadata, 'Never')).toEqual([]);
    });
  });
}
