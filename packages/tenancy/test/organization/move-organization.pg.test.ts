import {
  ActorUnknownError,
  ConflictError,
  inAllOrganizations,
  NotFoundError,
  newId,
  OrganizationInactiveError,
  type Placement,
  resultsTrack,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  createResultsDatabases,
  MoveFailedError,
  moveOrganization,
  provisionOrganization,
  ResultsDatabaseExtendedError,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { drawNext, fill, MOVE_STEPS, other, readAll, readPlace, withResults } from './describe-move.ts';
import { runAndDie } from './die.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const provision = async (name: string, placement: Placement) => {
  const { orgId } = await provisionOrganization(platform, { name, placement, cluster: 'main' });
  await fill(platform, orgId);
  return orgId;
};

const move = (orgId: string, placement: Placement, onStep?: (step: string) => void | Promise<void>) =>
  moveOrganization({ ...platform, onStep }, { orgId, to: { placement, cluster: 'main' }, actor: null, dropAfterMs: 0 });

/** Databases and schemas of the organization that are there. */
async function listPlaces(orgId: string): Promise<readonly string[]> {
  const name = `mad_results_${orgId.replaceAll('-', '')}`;
  const { rows } = await sql<{ kind: string }>`select 'database' as kind from pg_database where datname = ${name}
    union all select 'schema' from pg_namespace where nspname = ${name}`.execute(platform.metadata);
  return rows.map(({ kind }) => kind);
}

describe.each<Placement>(['schema', 'database'])('from placement %s', (placement) => {
  test('every row and counter arrives, and the old place is gone', async () => {
    const orgId = await provision(`Moves from ${placement}`, placement);
    const before = await readAll(platform, orgId);
    const { rows } = await move(orgId, other(placement));
    expect(rows).toMatchObject({ jobs: 3, cache_events: 2, pipeline_specs: 1 });
    expect(await readAll(platform, orgId)).toEqual(before);
    expect(await listPlaces(orgId)).toEqual([other(placement)]);
    expect(await readPlace(platform, orgId)).toMatchObject({
      placement: other(placement),
      state: 'ready',
      transition: null,
      other_cluster: null,
    });
    expect(await drawNext(platform, orgId)).toEqual({ event: 3, flight: 2 });
    // Triggers and keys are back in force.
    const breaking = withResults(platform, orgId, (results) =>
      results.insertInto('job_events').values({ job_id: newId(), seq_no: 1, event: 'QUEUED' }).execute(),
    );
    await expect(breaking).rejects.toMatchObject({ code: '23503' });
    const again = withResults(platform, orgId, (results) =>
      results.updateTable('results_database').set({ org_id: newId() }).execute(),
    );
    await expect(again).rejects.toMatchObject({ code: '23514' });
    expect(await move(orgId, other(placement))).toMatchObject({ rows: {} });
  });

  // All of them from one placement; from the other those in which both places are there.
  test.each(placement === 'schema' ? MOVE_STEPS : (['verify', 'drop'] as const))(
    'killed before the step %s, the same call ends the move without a loss',
    async (step) => {
      const orgId = await provision(`Killed before ${step} from ${placement}`, placement);
      const before = await readAll(platform, orgId);
      await runAndDie('./move-and-die.ts', { orgId, placement: other(placement), step, url: platform.url });
      const half = await readPlace(platform, orgId);
      const hasSwitched = step === 'drop' || step === 'end';
      expect(half).toMatchObject({
        placement: hasSwitched ? other(placement) : placement,
        state: hasSwitched ? 'ready' : 'moving',
      });
      if (hasSwitched) expect(await readAll(platform, orgId)).toEqual(before);
      else await expect(withResults(platform, orgId, async () => {})).rejects.toThrow(OrganizationInactiveError);
      await move(orgId, other(placement));
      expect(await readAll(platform, orgId)).toEqual(before);
      expect(await listPlaces(orgId)).toEqual([other(placement)]);
    },
  );

  test.each(['prepare', 'fence', 'copy', 'verify', 'switch'] as const)(
    'failed before the step %s, it serves from the old place and takes writes',
    async (step) => {
      const orgId = await provision(`Failed before ${step} from ${placement}`, placement);
      const before = await readAll(platform, orgId);
      const failing = move(orgId, other(placement), (reached) => {
        if (reached === step) throw new RangeError('no');
      });
      await expect(failing).rejects.toThrow(MoveFailedError);
      await expect(failing).rejects.toThrow('serves from its old place');
      expect(await readAll(platform, orgId)).toEqual(before);
      expect(await listPlaces(orgId)).toEqual([placement]);
      expect(await drawNext(platform, orgId)).toEqual({ event: 3, flight: 2 });
    },
  );

  test('a handle of before reads on and cannot write once the copy begins', async () => {
    const orgId = await provision(`Written to from ${placement}`, placement);
    await using databases = createResultsDatabases(platform);
    const results = await databases.get(orgId);
    const write = () => results.insertInto('pipeline_specs').values({ spec_digest: newId(), spec: {} }).execute();
    await write();
    const refused: unknown[] = [];
    await move(orgId, other(placement), async (step) => {
      if (step !== 'copy') return;
      await write().catch((error: unknown) => refused.push(error));
      expect(await results.selectFrom('pipeline_specs').selectAll().execute()).toHaveLength(2);
    });
    expect(refused).toMatchObject([{ code: OrganizationInactiveError.code, details: { status: 'moving' } }]);
  });

  test('rows that arrive changed are found, and the old place is kept', async () => {
    const orgId = await provision(`Tampered from ${placement}`, placement);
    const before = await readAll(platform, orgId);
    const name = `mad_results_${orgId.replaceAll('-', '')}`;
    const failing = move(orgId, other(placement), async (step) => {
      if (step !== 'verify') return;
      const { Client } = await import('pg');
      const toDatabase = placement === 'schema';
      const client = new Client(toDatabase ? platform.databaseUrl(name) : platform.url);
      await client.connect();
      await client.query('set session_replication_role = replica');
      await client.query(`update ${toDatabase ? 'public' : name}.docking_results set affinity = affinity - 1e-15`);
      await client.end();
    });
    await expect(failing).rejects.toThrow(/step verify: the tables docking_results are not the same/);
    expect(await readAll(platform, orgId)).toEqual(before);
    expect(await listPlaces(orgId)).toEqual([placement]);
  });

  test('of two calls at once one moves', async () => {
    const orgId = await provision(`Twice from ${placement}`, placement);
    const before = await readAll(platform, orgId);
    await Promise.allSettled([move(orgId, other(placement)), move(orgId, other(placement))]);
    await move(orgId, other(placement));
    expect(await readAll(platform, orgId)).toEqual(before);
    expect(await listPlaces(orgId)).toEqual([other(placement)]);
  });
});

const ledgerOf = (orgId: string) => sql.id(`mad_results_${orgId.replaceAll('-', '')}`, 'mad_results_migrations');
const NEWEST = Object.keys(resultsTrack.migrations).sort().at(-1) ?? '';

test('the version that is recorded is that of the new place, whichever program migrated it', async () => {
  const orgId = await provision('Goes with a newer program', 'database');
  await move(orgId, 'schema', async (step) => {
    if (step !== 'switch') return;
    await sql`alter table ${ledgerOf(orgId)} disable trigger user`.execute(platform.metadata);
    await sql`insert into ${ledgerOf(orgId)} (name) values ('9999_newer')`.execute(platform.metadata);
  });
  expect((await readPlace(platform, orgId))?.schema_version).toBe('9999_newer');
});

test('a move that a program of an older version has fenced is taken back, and can be made again', async () => {
  const orgId = await provision('Was fenced by an older program', 'schema');
  const before = await readAll(platform, orgId);
  await runAndDie('./move-and-die.ts', { orgId, placement: 'database', step: 'copy', url: platform.url });
  const ledger = ledgerOf(orgId);
  await sql`alter table ${ledger} disable trigger user`.execute(platform.metadata);
  await sql`delete from ${ledger} where name = ${NEWEST}`.execute(platform.metadata);
  await expect(move(orgId, 'database')).rejects.toThrow(/serves from its old place/);
  await sql`insert into ${ledger} (name) values (${NEWEST})`.execute(platform.metadata);
  expect(await readAll(platform, orgId)).toEqual(before);
  await move(orgId, 'database');
  expect(await readAll(platform, orgId)).toEqual(before);
  expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'database', schema_version: NEWEST });
});

test('an organization with a table of the host is refused before anything begins', async () => {
  const orgId = await provision('Has a table of its own', 'schema');
  const name = `mad_results_${orgId.replaceAll('-', '')}`;
  await sql`create table ${sql.id(name, 'of_the_host')} (n int)`.execute(platform.metadata);
  const refused: unknown = await move(orgId, 'database').catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(ResultsDatabaseExtendedError);
  expect(refused).toMatchObject({ retryable: false, details: { tables: ['of_the_host'], migrations: [] } });
  expect(await readPlace(platform, orgId)).toMatchObject({ state: 'ready', transition: null });
  expect(await listPlaces(orgId)).toEqual(['schema']);
});

test('what lies in the new place already is not touched', async () => {
  const orgId = await provision('Goes where something lies', 'database');
  const name = `mad_results_${orgId.replaceAll('-', '')}`;
  await sql`create schema ${sql.id(name)}`.execute(platform.metadata);
  await expect(move(orgId, 'schema')).rejects.toThrow(ConflictError);
  expect((await readPlace(platform, orgId))?.state).toBe('ready');
  expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
});

test('a move that was taken back has its end in the audit trail', async () => {
  const orgId = await provision('Tells of its way back', 'schema');
  const failing = move(orgId, 'database', (step) => {
    if (step === 'copy') throw new RangeError('no');
  });
  await expect(failing).rejects.toThrow(MoveFailedError);
  const trail = await inAllOrganizations(platform.metadata, (tx) =>
    tx.selectFrom('audit_logs').select(['action', 'metadata']).where('org_id', '=', orgId).orderBy('seq').execute(),
  );
  const facts = { from: { placement: 'schema', cluster: 'main' }, to: { placement: 'database', cluster: 'main' } };
  expect(trail.slice(-2)).toMatchObject([
    { action: 'organization.move.begin', metadata: facts },
    { action: 'organization.move.back', metadata: facts },
  ]);
});

test('a move that was left half-way is not gone on with in the name of nobody, whom the audit trail refuses', async () => {
  const orgId = await provision('Is moved by nobody', 'schema');
  await runAndDie('./move-and-die.ts', { orgId, placement: 'database', step: 'copy', url: platform.url });
  const to = { placement: 'database', cluster: 'main' } as const;
  const failing = moveOrganization(platform, { orgId, to, actor: newId(), dropAfterMs: 0 });
  await expect(failing).rejects.toThrow(ActorUnknownError);
  await move(orgId, 'database');
  expect(await listPlaces(orgId)).toEqual(['database']);
});

test('an organization that does not exist is not found', async () => {
  await expect(move(newId(), 'schema')).rejects.toThrow(NotFoundError);
});

test('an organization moves from PGlite to a server and back', async () => {
  await using embedded = createPgliteDatabase();
  const clusters = { ...platform.clusters, small: { kind: 'pglite', db: embedded.db } } as const;
  const both = { ...platform, clusters };
  const { orgId } = await provisionOrganization(both, { name: 'Grows', placement: 'schema', cluster: 'small' });
  await fill(both, orgId);
  const before = await readAll(both, orgId);
  const go = (placement: Placement, cluster: string) =>
    moveOrganization(both, { orgId, to: { placement, cluster }, actor: null, dropAfterMs: 0 });
  await go('database', 'main');
  expect(await readAll(both, orgId)).toEqual(before);
  await go('schema', 'small');
  expect(await readAll(both, orgId)).toEqual(before);
  expect(await listPlaces(orgId)).toEqual([]);
});
