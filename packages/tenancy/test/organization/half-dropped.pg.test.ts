import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, newId, silentLogger } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  findOrphans,
  moveOrganization,
  offboardOrganization,
  type ProvisioningStep,
  provisionOrganization,
  takeBackOrganization,
} from '../../src/index.ts';
import { ensureDatabase } from '../../src/results-database/ensure-results-database.ts';
import { placeResultsDatabase } from '../../src/results-database/results-database-place.ts';
import { resultsDigest } from '../../src/results-database/results-template.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore } from './archived-organization.ts';
import { readPlace, withResults } from './describe-move.ts';
import { readOrganization } from './describe-provisioning.ts';
import { runAndDie } from './die.ts';

let folder: string;
let artifacts: ArtifactStore;
let platform: PostgresPlatform;
beforeAll(async () => {
  ({ folder, artifacts } = await createStore());
  platform = await createPostgresPlatform();
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const actor = null;
const placed = { placement: 'database', cluster: 'main' } as const;
const nameOf = (orgId: string) => `mad_results_${orgId.replaceAll('-', '')}`;

/** Leaves the database as PostgreSQL does where it dies in the middle of dropping it. */
async function dropHalf(name: string): Promise<void> {
  const { numAffectedRows } = await sql`update pg_database set datconnlimit = -2 where datname = ${name}`.execute(
    platform.metadata,
  );
  expect(numAffectedRows).toBe(1n);
}

async function isThere(name: string): Promise<boolean> {
  return (await sql`select from pg_database where datname = ${name}`.execute(platform.metadata)).rows.length > 0;
}

const orphansOf = async (orgId: string) =>
  (await findOrphans(platform)).filter(({ name }) => name === nameOf(orgId)).map(({ kind }) => kind);

const provision = (name: string) => provisionOrganization(platform, { name, ...placed });

async function leaveHalf(name: string): Promise<string> {
  const onStep = (step: ProvisioningStep, moment: string) => {
    if (step === 'database' && moment === 'after') throw new Error('power cut');
  };
  await provisionOrganization({ ...platform, onStep }, { name, ...placed }).catch(() => {});
  return (await readOrganization(platform.metadata, name))[0]?.org_id ?? '';
}

test('an offboarding whose server died while it dropped the database is ended by the same call', async () => {
  const { orgId } = await provision('Leaves');
  const request = { orgId, exportTo: false, actor } as const;
  const storeFolder = join(folder, 'files');
  await runAndDie('./offboard-and-die.ts', {
    what: 'offboard',
    step: 'drop',
    url: platform.url,
    folder: storeFolder,
    request,
  });
  await dropHalf(nameOf(orgId));
  expect(await orphansOf(orgId)).toEqual([]);
  await offboardOrganization({ ...platform, artifacts }, request);
  expect(await isThere(nameOf(orgId))).toBe(false);
});

test('a move whose server died while it dropped the old place is ended by the same call', async () => {
  const { orgId } = await provision('Moves');
  const request = { orgId, to: { placement: 'schema', cluster: 'main' }, actor, dropAfterMs: 0 } as const;
  await runAndDie('./move-and-die.ts', { orgId, placement: 'schema', step: 'drop', url: platform.url });
  await dropHalf(nameOf(orgId));
  await moveOrganization(platform, request);
  expect(await isThere(nameOf(orgId))).toBe(false);
  expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'schema', transition: null });
});

test('half an organization whose server died while it was taken back is taken back, or made whole', async () => {
  const gone = await leaveHalf('Taken back');
  await dropHalf(nameOf(gone));
  await takeBackOrganization(platform, { orgId: gone });
  expect(await isThere(nameOf(gone))).toBe(false);

  const kept = await leaveHalf('Made whole');
  await dropHalf(nameOf(kept));
  expect((await provision('Made whole')).orgId).toBe(kept);
  expect(await withResults(platform, kept, (results) => results.selectFrom('jobs').selectAll().execute())).toEqual([]);
});

test('it counts as missing where it is needed, and as unknown where no row knows it', async () => {
  const { orgId } = await provision('Lost');
  const stray = newId();
  await sql`create database ${sql.id(nameOf(stray))}`.execute(platform.metadata);
  try {
    for (const id of [orgId, stray]) await dropHalf(nameOf(id));
    expect(await orphansOf(orgId)).toEqual(['database_missing']);
    expect(await orphansOf(stray)).toEqual(['database_unknown']);
  } finally {
    await sql`drop database ${sql.id(nameOf(stray))}`.execute(platform.metadata);
  }
});

test('a template and a draft of which a server died while it dropped them are made anew', async () => {
  const login = `plain_${newId().replaceAll('-', '')}`;
  await sql`create role ${sql.id(login)} login createdb`.execute(platform.metadata);
  const connectionString = platform.url.replace(/\/\/[^@]*@/, `//${login}@`);
  const connect = (database?: string) => ({
    connectionString: database === undefined ? connectionString : connectionString.replace(/mad_test_\w+/, database),
  });
  const around = { clusters: { main: { kind: 'postgres', connect } as const }, logger: silentLogger };
  const ensure = () => ensureDatabase(placeResultsDatabase({ orgId: newId(), ...placed }), around);
  const owned = async () => {
    const { rows } = await sql<{ name: string }>`select datname as name from pg_database
      where datdba = (select oid from pg_roles where rolname = ${login}) order by datname`.execute(platform.metadata);
    return rows.map(({ name }) => name);
  };
  try {
    await ensure();
    const template = (await owned()).find((name) => name.startsWith('mad_template_')) ?? '';
    await sql`alter database ${sql.id(template)} with is_template false`.execute(platform.metadata);
    await dropHalf(template);
    // A maker that was killed left a draft, and the server died while the next one dropped it.
    const { rows } = await sql<{
      made: string;
    }>`select 'mad_draft_' || md5(${await resultsDigest()}::text || ${login}::text || current_database()) as made`.execute(
      platform.metadata,
    );
    const draft = rows[0]?.made ?? '';
    await sql`create database ${sql.id(draft)} owner ${sql.id(login)}`.execute(platform.metadata);
    await dropHalf(draft);
    await ensure();
    expect((await owned()).filter((name) => !name.startsWith('mad_results_'))).toEqual([template]);
    expect((await owned()).filter((name) => name.startsWith('mad_results_'))).toHaveLength(2);
  } finally {
    for (const name of await owned()) {
      await sql`update pg_database set datistemplate = false where datname = ${name}`.execute(platform.metadata);
      await sql`drop database ${sql.id(name)} with (force)`.execute(platform.metadata);
    }
    await sql`drop role ${sql.id(login)}`.execute(platform.metadata);
  }
});
