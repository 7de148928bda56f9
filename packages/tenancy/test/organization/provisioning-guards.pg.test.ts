import {
  ConflictError,
  inAllOrganizations,
  newId,
  resultsTrack,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  OrganizationBusyError,
  ProvisioningFailedError,
  type ProvisioningStep,
  provisionOrganization,
  takeBackOrganization,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { readOrganization } from './describe-provisioning.ts';
import { createGate } from './gate.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

type Moment = 'before' | 'after';
type OnStep = (step: ProvisioningStep, moment: Moment) => void | Promise<void>;

const provision = (name: string, onStep?: OnStep) =>
  provisionOrganization({ ...platform, onStep }, { name, placement: 'schema', cluster: 'main' });

const read = async (name: string) => (await readOrganization(platform.metadata, name))[0];
const idOf = async (name: string) => (await read(name))?.org_id ?? '';
const setStatus = (orgId: string, status: 'active' | 'failed' | 'suspended') =>
  inAllOrganizations(platform.metadata, (tx) => updateOrganization(tx, { orgId, set: { status } }));
const setState = (orgId: string, state: 'moving') =>
  inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set: { state } }));

const at =
  (wanted: `${ProvisioningStep} ${Moment}`, run: () => void | Promise<void>): OnStep =>
  (step, moment) =>
    `${step} ${moment}` === wanted ? run() : undefined;

const fail = () => {
  throw new RangeError('power cut');
};

async function leaveHalf(name: string): Promise<string> {
  await provision(name, at('database before', fail)).catch(() => {});
  return idOf(name);
}

describe('a call that fails', () => {
  test('when its organization answers already leaves it as it is', async () => {
    const failing = provision('Failed too late', at('activate after', fail));
    await expect(failing).rejects.toThrow(ProvisioningFailedError);
    expect(await read('Failed too late')).toMatchObject({ status: 'active', state: 'ready', error: null });
  });

  test('touches no other organization that is being made', async () => {
    const gate = createGate();
    const making = provision('Made beside', at('database before', gate.wait));
    await gate.reached;
    await leaveHalf('Fails beside');
    expect(await read('Fails beside')).toMatchObject({ status: 'failed', state: 'failed' });
    expect(await read('Made beside')).toMatchObject({ status: 'provisioning', state: 'provisioning', error: null });
    gate.open();
    await making;
  });

  test('tells of its first failure, once nothing of it is under way any more', async () => {
    const [gate, failed] = [createGate(), Promise.withResolvers<void>()];
    const making = provision('Fails twice', async (step, moment) => {
      if (step === 'activate') {
        failed.resolve();
        fail();
      }
      if (step !== 'database' || moment !== 'after') return;
      await gate.wait();
      fail();
    });
    let isOver = false;
    making.then(
      () => {},
      () => {
        isOver = true;
      },
    );
    await Promise.all([gate.reached, failed.promise]);
    // Long enough for what would be written down of the failure.
    await new Promise((resolve) => setTimeout(resolve, 300));
    expect(isOver).toBe(false);
    expect(await read('Fails twice')).toMatchObject({ status: 'provisioning' });
    await expect(takeBackOrganization(platform, { orgId: await idOf('Fails twice') })).rejects.toThrow(
      OrganizationBusyError,
    );
    gate.open();
    await expect(making).rejects.toMatchObject({ details: { step: 'activate' } });
    expect(await read('Fails twice')).toMatchObject({ status: 'failed', error: { step: 'activate' } });
  });
});

test('the version of a Results DB that was made is known', async () => {
  await provision('Versioned');
  expect((await read('Versioned'))?.schema_version).toBe(Object.keys(resultsTrack.migrations).sort().at(-1));
});

describe('an organization that meanwhile', () => {
  test('was suspended is not activated', async () => {
    const name = 'Suspended meanwhile';
    const making = provision(
      name,
      at('database after', async () => void (await setStatus(await idOf(name), 'suspended'))),
    );
    await expect(making).rejects.toMatchObject({ cause: expect.any(ConflictError) });
    await expect(making).rejects.toThrow(/it is suspended by now/);
    expect(await read(name)).toMatchObject({ status: 'suspended' });
  });

  test('another call has failed to make is activated', async () => {
    const name = 'Failed meanwhile';
    const onStep = at('database after', async () => {
      const orgId = await idOf(name);
      await setStatus(orgId, 'failed');
      const set = { state: 'failed', error: { step: 'database', code: null } } as const;
      await inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set }));
    });
    await provision(name, onStep);
    expect(await read(name)).toMatchObject({ status: 'active', state: 'ready', error: null });
  });

  test('another call has activated, and moves, stays as it is', async () => {
    const name = 'Active meanwhile';
    const onStep = at('database after', async () => {
      const orgId = await idOf(name);
      await setStatus(orgId, 'active');
      await setState(orgId, 'moving');
    });
    expect(await provision(name, onStep)).toMatchObject({ orgId: await idOf(name) });
    expect(await read(name)).toMatchObject({ status: 'active', state: 'moving' });
  });

  test('is activated brings no other along', async () => {
    const half = await leaveHalf('Left beside');
    await provision('Activated beside');
    expect(await read('Left beside')).toMatchObject({ org_id: half, status: 'failed', state: 'failed' });
  });
});

describe('half an organization', () => {
  test('is recorded as being made while the next call makes it', async () => {
    const name = 'Made again';
    await leaveHalf(name);
    const seen: unknown[] = [];
    await provision(
      name,
      at('database before', async () => void seen.push(await read(name))),
    );
    expect(seen).toMatchObject([{ status: 'provisioning', state: 'provisioning', error: null }]);
  });

  test('is not taken back while the next call makes it', async () => {
    const orgId = await leaveHalf('Held again');
    let refused: unknown;
    const onStep = at('database before', async () => {
      refused = await takeBackOrganization(platform, { orgId }).catch((error: unknown) => error);
    });
    expect((await provision('Held again', onStep)).orgId).toBe(orgId);
    expect(refused).toBeInstanceOf(OrganizationBusyError);
  });

  test('is not written down while it is taken back', async () => {
    const orgId = newId();
    const key = sql`hashtextextended(${`mad.organization.main.${orgId}`}, 0)`;
    const request = { orgId, name: 'Being taken back', placement: 'schema', cluster: 'main' } as const;
    await platform.metadata.connection().execute(async (db) => {
      await sql`select pg_advisory_lock(${key})`.execute(db);
      try {
        await expect(provisionOrganization(platform, request)).rejects.toThrow(OrganizationBusyError);
      } finally {
        await sql`select pg_advisory_unlock(${key})`.execute(db);
      }
    });
    expect(await read('Being taken back')).toBeUndefined();
    expect(await provisionOrganization(platform, request)).toMatchObject({ orgId });
  });

  test.each(['restore', 'offboard', 'move'] as const)('that is in a %s is left to that', async (transition) => {
    const name = `In a ${transition}`;
    const orgId = await leaveHalf(name);
    const set = { transition, transition_id: newId() };
    await inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set }));
    const before = await read(name);
    await expect(provision(name)).rejects.toThrow(`a ${transition} of it is not over`);
    expect(await read(name)).toEqual(before);
  });

  test('whose place was never written down gets one', async () => {
    const orgId = await leaveHalf('Without a place');
    await inAllOrganizations(platform.metadata, (tx) =>
      tx.deleteFrom('org_databases').where('org_id', '=', orgId).execute(),
    );
    expect((await provision('Without a place')).orgId).toBe(orgId);
    expect(await read('Without a place')).toMatchObject({ status: 'active', state: 'ready' });
  });
});

test('an active organization without a Results DB is refused by name', async () => {
  const { orgId } = await provision('Lost its place');
  await inAllOrganizations(platform.metadata, (tx) =>
    tx.deleteFrom('org_databases').where('org_id', '=', orgId).execute(),
  );
  await expect(provision('Lost its place')).rejects.toThrow('it is active without a Results DB');
});

test('a name at the other placement on the same cluster is refused', async () => {
  await provision('Placed once');
  const other = { name: 'Placed once', placement: 'database', cluster: 'main' } as const;
  await expect(provisionOrganization(platform, other)).rejects.toThrow(/it has placement schema on cluster main/);
});
