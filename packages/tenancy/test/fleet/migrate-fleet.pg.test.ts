import {
  ConflictError,
  claimFleetOrganizations,
  deleteOrgDatabase,
  findOpenFleetMigration,
  inAllOrganizations,
  inOrganization,
  listAuditLogs,
  migrate,
  NotFoundError,
  newId,
  resultsTrack,
  updateOrganization,
  updateOrgDatabase,
  ValidationFailedError,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  type FleetProgress,
  listBehind,
  type MigrateFleet,
  migrateFleet,
  pauseFleetMigration,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { AT_FIRST, createFleet, readLedger, readRuns, trackWith } from './create-fleet.ts';

const NEXT = '9001_next';
const track = trackWith(NEXT);

let platform: PostgresPlatform;
beforeEach(async () => {
  platform = await createPostgresPlatform();
});
afterEach(() => platform[Symbol.asyncDispose]());

const go = (request: Partial<MigrateFleet> = {}) => migrateFleet(platform, { actor: null, track, ...request });

test('a fleet is migrated wave by wave, the suspended too and the deleted not', async () => {
  const active = await createFleet(platform.metadata, { size: 7 });
  const [suspended] = await createFleet(platform.metadata, { size: 1, status: 'suspended' });
  const [deleted] = await createFleet(platform.metadata, { size: 1, status: 'deleted' });
  const seen: FleetProgress[] = [];
  const outcome = await go({ concurrency: 2, onProgress: (progress) => void seen.push(progress) });
  expect(outcome).toMatchObject({ target: NEXT, status: 'done', done: 8, failed: [], behind: 0 });
  const ledger = await readLedger(platform.metadata, outcome.fleetMigrationId);
  expect(ledger.map(({ wave }) => wave).sort()).toEqual([0, 2, 2, 2, 2, 2, 2, 2]);
  expect(ledger.map(({ org_id }) => org_id)).toEqual([...active, suspended].map((member) => member?.orgId).sort());
  for (const row of ledger) {
    expect(row).toMatchObject({ state: 'done', from_version: AT_FIRST, to_version: NEXT, attempts: 1, holder: null });
    expect(row).toMatchObject({ database_state: 'ready', schema_version: NEXT, error: null });
  }
  for (const member of active) expect(await readRuns(platform.metadata, member)).toEqual([NEXT]);
  expect(deleted && (await readRuns(platform.metadata, deleted))).toEqual([]);
  expect(seen.at(-1)).toMatchObject({ wave: 3, waves: 3, done: 8, failed: 0, total: 8 });
  // No wave begins before the one before is over.
  expect(seen.find(({ wave }) => wave === 3)).toMatchObject({ done: 1 });
  const audit = await inAllOrganizations(platform.metadata, (tx) =>
    listAuditLogs(tx, { entityType: 'fleet_migration' }),
  );
  expect(audit.items.map(({ action }) => action)).toEqual(['fleet.end', 'fleet.migrate']);
});

test('a fleet that is up to date is left alone', async () => {
  const [member] = await createFleet(platform.metadata, { size: 1 });
  await go();
  const connections: (string | undefined)[] = [];
  const connect = (database?: string) => {
    connections.push(database);
    return { connectionString: platform.url };
  };
  const clusters = { main: { kind: 'postgres', connect } } as const;
  expect(await migrateFleet({ ...platform, clusters }, { actor: null, track })).toMatchObject({
    status: 'done',
    done: 0,
  });
  expect(connections).toEqual([]);
  expect(member && (await readRuns(platform.metadata, member))).toEqual([NEXT]);
});

test('calls at once share one run, and no database is migrated twice', async () => {
  const members = await createFleet(platform.metadata, { size: 12 });
  const outcomes = await Promise.all([go({ concurrency: 2 }), go({ concurrency: 2 }), go({ concurrency: 2 })]);
  expect(new Set(outcomes.map(({ fleetMigrationId }) => fleetMigrationId)).size).toBe(1);
  expect(outcomes).toMatchObject(Array(3).fill({ status: 'done', done: 12, failed: [], behind: 0 }));
  for (const member of members) expect(await readRuns(platform.metadata, member)).toEqual([NEXT]);
});

test('what a dead process had is taken over when its lease runs out, also where it died between its commit and its word', async () => {
  const members = await createFleet(platform.metadata, { size: 4 });
  await expect(
    go({ signal: abortAfterOpening(), onProgress: () => stop.abort(new RangeError('stop')) }),
  ).rejects.toThrow(RangeError);
  const claimed = await inAllOrganizations(platform.metadata, async (tx) => {
    const run = await findOpenFleetMigration(tx);
    const fleetMigrationId = run?.fleet_migration_id ?? '';
    return claimFleetOrganizations(tx, { fleetMigrationId, wave: 2, holder: newId(), leaseMs: 700, limit: 2 });
  });
  for (const { schema_name: schema } of claimed.slice(1)) await migrate(platform.metadata, { track, schema });
  const outcome = await go();
  expect(outcome).toMatchObject({ status: 'done', done: 4, failed: [] });
  for (const member of members) expect(await readRuns(platform.metadata, member)).toEqual([NEXT]);
  const ledger = await readLedger(platform.metadata, outcome.fleetMigrationId);
  expect(ledger.filter(({ attempts }) => attempts === 2)).toHaveLength(2);
});

let stop: AbortController;
function abortAfterOpening(): AbortSignal {
  stop = new AbortController();
  return stop.signal;
}

test('a signal stops the call, leaves nothing held, and the same call goes on', async () => {
  await createFleet(platform.metadata, { size: 5 });
  const waves = [{ percent: 100 }] as const;
  const slow = trackWith(NEXT, 'select pg_sleep(0.2)');
  const aborted = go({ track: slow, waves, signal: abortAfterOpening(), concurrency: 1 });
  setTimeout(() => stop.abort(new RangeError('enough')), 300);
  await expect(aborted).rejects.toThrow('enough');
  const run = await inAllOrganizations(platform.metadata, findOpenFleetMigration);
  expect(run?.status).toBe('running');
  const states = (await readLedger(platform.metadata, run?.fleet_migration_id ?? '')).map(({ state }) => state);
  expect(states).toContain('pending');
  expect(states).not.toContain('running');
  expect(await go({ track: slow })).toMatchObject({
    fleetMigrationId: run?.fleet_migration_id,
    status: 'done',
    done: 5,
  });
});

test('a wave with failures is the last one, and the next run tries again', async () => {
  const members = await createFleet(platform.metadata, { size: 6 });
  const [broken] = members;
  if (broken === undefined) throw new RangeError('no member');
  await sql`alter table ${sql.id(broken.schema, 'jobs')} add column ${sql.id(NEXT)} text`.execute(platform.metadata);
  const waves = [{ organizations: [broken.orgId.toUpperCase()] }, { percent: 100 }];
  const stopped = await go({ waves });
  expect(stopped).toMatchObject({ status: 'stopped', done: 0, behind: 6 });
  expect(stopped.failed).toMatchObject([{ orgId: broken.orgId, errorCode: 'MAD_CORE_MIGRATION_FAILED' }]);
  expect(stopped.failed[0]?.errorMessage).toMatch(
    /9001_next of the results track failed, nothing was changed: .*already exists/,
  );
  const ledger = await readLedger(platform.metadata, stopped.fleetMigrationId);
  expect(ledger.filter(({ state }) => state === 'pending')).toHaveLength(5);
  // It serves on by the version before.
  expect(ledger.find(({ state }) => state === 'failed')).toMatchObject({
    database_state: 'ready',
    schema_version: AT_FIRST,
  });
  const { items } = await listBehind(platform, { track });
  expect(items).toHaveLength(6);
  expect(items.find(({ orgId }) => orgId === broken.orgId)).toMatchObject({
    ...{ name: broken.schema, status: 'active', version: AT_FIRST },
    error: { code: 'MAD_CORE_MIGRATION_FAILED' },
  });
  expect(await go({ waves, maxFailures: 1 })).toMatchObject({
    status: 'done',
    done: 5,
    failed: [{ orgId: broken.orgId }],
  });
  await sql`alter table ${sql.id(broken.schema, 'jobs')} drop column ${sql.id(NEXT)}`.execute(platform.metadata);
  expect(await go()).toMatchObject({ status: 'done', done: 1, failed: [], behind: 0 });
  expect(await listBehind(platform, { track })).toEqual({ items: [] });
});

test('a migration gives way to who reads a table, and tries again', async () => {
  const [member] = await createFleet(platform.metadata, { size: 1 });
  if (member === undefined) throw new RangeError('no member');
  const jobs = sql.id(member.schema, 'jobs');
  let migrated = go({ lockTimeoutMs: 100 });
  await platform.metadata.transaction().execute(async (tx) => {
    await sql`select from ${jobs}`.execute(tx);
    expect(await migrated).toMatchObject({ status: 'stopped', failed: [{ errorCode: '55P03' }] });
    migrated = go({ lockTimeoutMs: 300 });
    // The reader goes while the second run pauses, and another one is never kept waiting for longer than the lock's time.
    await sql`select pg_sleep(0.5)`.execute(tx);
  });
  expect(await migrated).toMatchObject({ status: 'done', done: 1 });
});

test('a paused run takes no more, and goes on by the same call', async () => {
  await createFleet(platform.metadata, { size: 6 });
  const slow = trackWith(NEXT, 'select pg_sleep(0.1)');
  let pausing: Promise<string> | undefined;
  const onProgress = ({ done }: FleetProgress) => {
    if (done > 0) pausing ??= pauseFleetMigration(platform, { actor: null });
  };
  const paused = await go({ track: slow, concurrency: 1, onProgress });
  expect(paused).toMatchObject({ status: 'paused', fleetMigrationId: await pausing });
  expect(paused.done).toBeGreaterThan(0);
  expect(paused.done).toBeLessThan(6);
  expect(paused.behind).toBe(6 - paused.done);
  const done = await go({ track: slow });
  expect(done).toMatchObject({ fleetMigrationId: paused.fleetMigrationId, status: 'done', done: 6, behind: 0 });
  await expect(pauseFleetMigration(platform, { actor: null })).rejects.toThrow(NotFoundError);
});

test('who is provisioned meanwhile by an older program is brought in', async () => {
  await createFleet(platform.metadata, { size: 2 });
  let newcomer: ReturnType<typeof createFleet> | undefined;
  const slow = trackWith(NEXT, 'select pg_sleep(0.3)');
  const onProgress = () => {
    newcomer ??= createFleet(platform.metadata, { size: 1 });
  };
  expect(await go({ track: slow, concurrency: 1, onProgress })).toMatchObject({ status: 'done', done: 3, behind: 0 });
  const [member] = (await newcomer) ?? [];
  expect(member && (await readRuns(platform.metadata, member))).toEqual([NEXT]);
});

test('who goes away meanwhile is left out, and who is on the move too', async () => {
  const [gone, moving, leaver, staying] = await createFleet(platform.metadata, { size: 4 });
  const slow = trackWith(NEXT, 'select pg_sleep(0.3)');
  const waves = [{ organizations: [staying?.orgId ?? ''] }, { percent: 100 }];
  let leaving: Promise<void> | undefined;
  const onProgress = () => {
    leaving ??= inAllOrganizations(platform.metadata, async (tx) => {
      await updateOrganization(tx, { orgId: gone?.orgId ?? '', set: { status: 'deleted' } });
      await updateOrgDatabase(tx, { orgId: moving?.orgId ?? '', set: { state: 'moving', transition: 'move' } });
      await updateOrgDatabase(tx, { orgId: leaver?.orgId ?? '', set: { transition: 'offboard' } });
    });
  };
  expect(await go({ track: slow, waves, onProgress })).toMatchObject({
    status: 'done',
    done: 1,
    failed: [],
    behind: 0,
  });
  await leaving;
});

test('a newer program ends the run of an older one, which cannot go on behind it', async () => {
  const members = await createFleet(platform.metadata, { size: 3 });
  const opened = { signal: abortAfterOpening(), onProgress: () => stop.abort(new RangeError('stop')) };
  await expect(go(opened)).rejects.toThrow('stop');
  const newer = {
    name: 'results',
    migrations: { ...track.migrations, ...trackWith('9002_newer').migrations },
  } as const;
  const unfinished = await inAllOrganizations(platform.metadata, findOpenFleetMigration);
  const release = new AbortController();
  await expect(
    go({ track: newer, signal: release.signal, onProgress: () => release.abort(new RangeError('stop')) }),
  ).rejects.toThrow('stop');
  const row = await inAllOrganizations(platform.metadata, (tx) =>
    tx
      .selectFrom('fleet_migrations')
      .select('status')
      .where('fleet_migration_id', '=', unfinished?.fleet_migration_id ?? '')
      .executeTakeFirst(),
  );
  expect(row?.status).toBe('superseded');
  await expect(go()).rejects.toThrow(ConflictError);
  expect(await go({ track: newer })).toMatchObject({ target: '9002_newer', status: 'done', done: 3 });
  for (const member of members) expect(await readRuns(platform.metadata, member)).toEqual([NEXT, '9002_newer']);
});

test("another organization's database is refused and unchanged", async () => {
  const [a, b] = await createFleet(platform.metadata, { size: 2 });
  if (!a || !b) throw new RangeError('no members');
  await inAllOrganizations(platform.metadata, async (tx) => {
    await deleteOrgDatabase(tx, { orgId: b.orgId });
    await updateOrgDatabase(tx, { orgId: a.orgId, set: { schema_name: b.schema } });
  });
  const { done, failed } = await go();
  expect({ done, failed }).toMatchObject({
    done: 0,
    failed: [{ orgId: a.orgId, errorCode: 'MAD_CORE_RESULTS_DATABASE_MISMATCH' }],
  });
  expect(await readRuns(platform.metadata, b)).toEqual([]);
  expect(await readRuns(platform.metadata, a)).toEqual([]);
});

test('a cluster that cannot be reached or is unknown fails its organizations alone, and no secret is kept', async () => {
  await createFleet(platform.metadata, { size: 1 });
  const connect = () => {
    throw new Error('postgres://mad:secret@nowhere');
  };
  const clusters = { main: { kind: 'postgres', connect } } as const;
  const outcome = await migrateFleet({ ...platform, clusters }, { actor: null, track });
  expect(outcome.failed).toMatchObject([{ errorCode: 'MAD_TENANCY_RESULTS_DATABASE_UNREACHABLE' }]);
  expect(JSON.stringify(outcome)).not.toContain('secret');
  const unknown = await migrateFleet({ ...platform, clusters: {} }, { actor: null, track });
  expect(unknown.failed).toMatchObject([{ errorCode: 'MAD_TENANCY_CLUSTER_UNKNOWN' }]);
});

test('an organization reads its own line of the ledger', async () => {
  const [a] = await createFleet(platform.metadata, { size: 2 });
  await go();
  const rows = await inOrganization(platform.metadata, a?.orgId ?? '', (tx) =>
    tx.selectFrom('fleet_migration_organizations').select('org_id').execute(),
  );
  expect(rows).toEqual([{ org_id: a?.orgId }]);
});

test('requests that say nothing sensible are refused before anything is written', async () => {
  await createFleet(platform.metadata, { size: 1 });
  const refused: readonly Partial<MigrateFleet>[] = [
    ...[{ waves: [] }, { waves: [{ percent: 101 }] }, { waves: [{ count: 0 }] }, { concurrency: 0 }, { actor: 'me' }],
    ...[{ track: { name: 'results', migrations: {} } as const }, { track: { ...track, name: 'metadata' } as const }],
    { ...({ wave: 1 } as object) },
  ];
  for (const request of refused) await expect(go(request)).rejects.toThrow(ValidationFailedError);
  await expect(go({ waves: [{ organizations: [newId()] }] })).rejects.toThrow(NotFoundError);
  expect(await inAllOrganizations(platform.metadata, findOpenFleetMigration)).toBeUndefined();
});

test('PGlite holds a fleet of schemas too', async () => {
  await using results = createPgliteDatabase();
  const members = await createFleet(platform.metadata, { size: 3, db: results.db });
  const clusters = { main: { kind: 'pglite', db: results.db } } as const;
  const outcome = await migrateFleet({ ...platform, clusters }, { actor: null, track });
  expect(outcome).toMatchObject({ status: 'done', done: 3, behind: 0 });
  for (const member of members) expect(await readRuns(results.db, member)).toEqual([NEXT]);
});

test('the fleet of today is at the newest version', async () => {
  await createFleet(platform.metadata, { size: 1 });
  expect(await listBehind(platform)).toEqual({ items: [] });
  expect(AT_FIRST).toBe(Object.keys(resultsTrack.migrations).sort().at(-1));
});
