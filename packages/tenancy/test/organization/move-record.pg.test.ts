import { inAllOrganizations, newId, type OrgDatabaseRowUpdate, updateOrganization, updateOrgDatabase } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { OrganizationStateError, provisionOrganization } from '../../src/index.ts';
import {
  beginMove,
  endMove,
  findMove,
  isSame,
  lockOrgDatabase,
  lockUnderWay,
  type RecordedMove,
  switchPlace,
  turnBack,
} from '../../src/organization/move-record.ts';
import { placeResultsDatabase } from '../../src/results-database/results-database-place.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { readPlace } from './describe-move.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

let orgId: string;
beforeEach(async () => {
  const request = { name: newId().slice(-12).replace(/^/, 'of '), placement: 'schema', cluster: 'main' } as const;
  ({ orgId } = await provisionOrganization(platform, request));
});

const actor = null;
const to = () => placeResultsDatabase({ orgId, placement: 'database', cluster: 'main' });
const set = (values: OrgDatabaseRowUpdate) =>
  inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set: values }));
const begin = () => beginMove(platform.metadata, { to: to(), actor });
const begun = async (): Promise<RecordedMove> => {
  const move = await begin();
  if (move === undefined) throw new RangeError('it is there already');
  return move;
};
const row = () => readPlace(platform, orgId);

test('a call that another one has overtaken neither switches, nor turns back, nor ends the move', async () => {
  const stale = { ...(await begun()), moveId: newId() };
  const before = await row();
  expect(await switchPlace(platform.metadata, stale, { actor, version: null })).toBe(false);
  expect(await turnBack(platform.metadata, stale, actor)).toBe(false);
  await endMove(platform.metadata, stale);
  expect(await row()).toEqual(before);
});

test.each(['move_back', 'move_drop'] as const)(
  'a move in %s is neither switched nor turned back',
  async (transition) => {
    const move = await begun();
    await set({ transition });
    const before = await row();
    expect(await switchPlace(platform.metadata, move, { actor, version: null })).toBe(false);
    expect(await turnBack(platform.metadata, move, actor)).toBe(false);
    expect(await row()).toEqual(before);
  },
);

test('another organization of the same moment stays as it is', async () => {
  const name = `beside ${orgId.slice(-12)}`;
  const beside = await provisionOrganization(platform, { name, placement: 'schema', cluster: 'main' });
  const before = await readPlace(platform, beside.orgId);
  const move = await begun();
  expect(await switchPlace(platform.metadata, move, { actor, version: null })).toBe(true);
  await endMove(platform.metadata, move);
  expect(await readPlace(platform, beside.orgId)).toEqual(before);
  expect(await row()).toMatchObject({ placement: 'database', state: 'ready', transition: null, transition_id: null });
});

test('what is under way is locked by its kind and its id', async () => {
  const { moveId } = await begun();
  const lock = (transition: 'move' | 'move_back', transitionId: string) =>
    inAllOrganizations(platform.metadata, (tx) => lockUnderWay(tx, { orgId, transition, transitionId }));
  expect(await lock('move', moveId)).toMatchObject({ org_id: orgId });
  await expect(lock('move', newId())).rejects.toThrow(OrganizationStateError);
  await expect(lock('move_back', moveId)).rejects.toThrow(OrganizationStateError);
});

test('whoever looks at the row waits for who changes it', async () => {
  const [opened, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = inAllOrganizations(platform.metadata, async (tx) => {
    await lockOrgDatabase(tx, { orgId });
    reached.resolve();
    await opened.promise;
    await updateOrgDatabase(tx, { orgId, set: { state: 'migrating' } });
  });
  await reached.promise;
  const moving = begin();
  moving.catch(() => {});
  const waits = async () => {
    const { rows } = await sql`select from pg_locks l join pg_stat_activity a on a.pid = l.pid
      where not l.granted and a.datname = current_database() and a.query like '%org_databases%'`.execute(
      platform.metadata,
    );
    return rows.length > 0;
  };
  try {
    await expect.poll(waits, { timeout: 10_000 }).toBe(true);
  } finally {
    opened.resolve();
  }
  await first;
  await expect(moving).rejects.toThrow(OrganizationStateError);
});

test.each(['provisioning', 'failed', 'deleting', 'deleted'] as const)(
  'an organization that is %s is not moved',
  async (status) => {
    await inAllOrganizations(platform.metadata, (tx) => updateOrganization(tx, { orgId, set: { status } }));
    await expect(begin()).rejects.toThrow(/only active and suspended ones are moved/);
    expect(await row()).toMatchObject({ state: 'ready', transition: null });
  },
);

test.each<OrgDatabaseRowUpdate>([
  { state: 'migrating' },
  { state: 'failed' },
  { transition: 'offboard', transition_id: newId() },
  { transition: 'restore', transition_id: newId() },
])('one whose Results DB is in %o is not moved', async (values) => {
  await set(values);
  const before = await row();
  await expect(begin()).rejects.toThrow(/when its Results DB is ready|to its end by its own call/);
  expect(await row()).toEqual(before);
});

test('a move that has begun is found, not begun again', async () => {
  const move = await begun();
  const before = await row();
  expect(await begin()).toEqual(move);
  expect((await findMove(platform.metadata, orgId)).move).toEqual(move);
  expect(await row()).toEqual(before);
});

test('there is no move to where it is already', async () => {
  const here = placeResultsDatabase({ orgId, placement: 'schema', cluster: 'main' });
  expect(await beginMove(platform.metadata, { to: here, actor })).toBeUndefined();
  expect(await row()).toMatchObject({ state: 'ready', transition: null });
});

test('two places of one name on two clusters are two', () => {
  const here = placeResultsDatabase({ orgId, placement: 'schema', cluster: 'main' });
  expect(isSame(here, { ...here })).toBe(true);
  expect(isSame(here, { ...here, cluster: 'second' })).toBe(false);
  expect(isSame(here, { ...here, schema: 'other' })).toBe(false);
  expect(isSame(here, { ...here, database: 'other' })).toBe(false);
});
