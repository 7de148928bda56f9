import {
  connectPostgres,
  inAllOrganizations,
  type MetadataDatabase,
  migrateMetadata,
  migrateResults,
  newId,
  type OrgDatabaseRowUpdate,
  type Placement,
  resultsTrack,
  updateOrgDatabase,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Clusters,
  MoveFailedError,
  moveOrganization,
  OrganizationStateError,
  PlaceNotOurOwnError,
  provisionOrganization,
} from '../../src/index.ts';
import { readFence } from '../../src/results-database/fence-writes.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { fill, readAll, readPlace } from './describe-move.ts';
import { runAndDie } from './die.ts';
import { createGate, cutHold } from './gate.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const actor = null;
const nameOf = (orgId: string) => `mad_results_${orgId.replaceAll('-', '')}`;
const NEWEST = Object.keys(resultsTrack.migrations).sort().at(-1) ?? '';

const provision = async (name: string, placement: Placement = 'schema') => {
  const { orgId } = await provisionOrganization(platform, { name, placement, cluster: 'main' });
  await fill(platform, orgId);
  return orgId;
};

type OnStep = (step: string) => void | Promise<void>;

interface Go {
  readonly onStep?: OnStep | undefined;
  readonly clusters?: Clusters | undefined;
  readonly cluster?: string | undefined;
}

const move = (orgId: string, placement: Placement, { onStep, clusters, cluster = 'main' }: Go = {}) =>
  moveOrganization(
    { ...platform, ...(clusters && { clusters }), onStep },
    { orgId, to: { placement, cluster }, actor, dropAfterMs: 0 },
  );

const at =
  (step: string, run: () => void | Promise<void>): OnStep =>
  (reached) =>
    reached === step ? run() : undefined;

const set = (orgId: string, values: OrgDatabaseRowUpdate) =>
  inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId, set: values }));

/** Databases and schemas of the organization that are there. */
async function listPlaces(orgId: string): Promise<readonly string[]> {
  const { rows } = await sql<{
    kind: string;
  }>`select 'database' as kind from pg_database where datname = ${nameOf(orgId)}
    union all select 'schema' from pg_namespace where nspname = ${nameOf(orgId)}`.execute(platform.metadata);
  return rows.map(({ kind }) => kind);
}

const cut = (orgId: string) => cutHold(platform, orgId);

function stall(step: string, start: (onStep: OnStep) => Promise<unknown>) {
  const gate = createGate();
  const call = start(at(step, gate.wait));
  call.catch(() => {});
  return { call, reached: Promise.race([gate.reached, call]), open: gate.open };
}

/** The platform's cluster, of which the nth connection to a database hangs from the time that it is armed. */
function createHanging() {
  const gate = createGate();
  const { main } = platform.clusters;
  let left = Number.POSITIVE_INFINITY;
  const clusters: Clusters = {
    main: {
      kind: 'postgres',
      connect: async (database) => {
        if (--left === 0) await gate.wait();
        return main?.kind === 'postgres' ? await main.connect(database) : {};
      },
    },
  };
  return {
    ...gate,
    clusters,
    arm: (nth: number) => {
      left = nth;
    },
  };
}

async function inDatabase<T>(database: string, run: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
  const connectionString = platform.databaseUrl(database);
  await using db = connectPostgres({ connectionString, max: 1 });
  return await run(db as unknown as Kysely<unknown>);
}

/** Holds up who raises or lifts a fence. */
function createHeldFence({ database, schema }: { readonly database: string; readonly schema: string }) {
  const gate = createGate();
  let holding = Promise.resolve();
  const holdUp = (db: Kysely<unknown>) =>
    db.transaction().execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`mad.fence.${schema}`}, 0))`.execute(tx);
      await gate.wait();
    });
  return {
    reached: gate.reached,
    hold: () => {
      holding = inDatabase(database, holdUp);
      return gate.reached;
    },
    isWaitedFor: async () => {
      const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = ${database})`.execute(platform.metadata);
      return rows.length > 0;
    },
    release: () => {
      gate.open();
      return holding;
    },
  };
}

test('another place is refused while a move that was killed is not at its end', async () => {
  const orgId = await provision('Changed its mind');
  await runAndDie('./move-and-die.ts', { orgId, placement: 'database', step: 'copy', url: platform.url });
  const before = await readPlace(platform, orgId);
  const { main } = platform.clusters;
  const clusters = { ...platform.clusters, ...(main && { second: main }) };
  const elsewhere = move(orgId, 'schema', { clusters, cluster: 'second' });
  await expect(elsewhere).rejects.toThrow(OrganizationStateError);
  await expect(elsewhere).rejects.toThrow(/to placement database on cluster main: move it there first/);
  expect(await readPlace(platform, orgId)).toEqual(before);
  await move(orgId, 'database');
});

test('a Results DB of a name that this library did not give is refused before anything begins', async () => {
  const orgId = await provision('Named by its host');
  const own = `host_${newId().replaceAll('-', '')}`;
  await sql`alter schema ${sql.id(nameOf(orgId))} rename to ${sql.id(own)}`.execute(platform.metadata);
  await set(orgId, { schema_name: own });
  const before = await readPlace(platform, orgId);
  await expect(move(orgId, 'database')).rejects.toThrow(PlaceNotOurOwnError);
  expect(await readPlace(platform, orgId)).toEqual(before);
  expect(await listPlaces(orgId)).toEqual([]);
});

test('a new place that a program of an older version made is not filled', async () => {
  const orgId = await provision('Made by an older program', 'database');
  const before = await readAll(platform, orgId);
  await runAndDie('./move-and-die.ts', { orgId, placement: 'schema', step: 'fence', url: platform.url });
  const ledger = sql.id(nameOf(orgId), 'mad_results_migrations');
  await sql`alter table ${ledger} disable trigger user`.execute(platform.metadata);
  await sql`delete from ${ledger} where name = ${NEWEST}`.execute(platform.metadata);
  await expect(move(orgId, 'schema')).rejects.toThrow(/serves from its old place/);
  expect(await readAll(platform, orgId)).toEqual(before);
  await move(orgId, 'schema');
  expect(await readAll(platform, orgId)).toEqual(before);
  expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'schema', schema_version: NEWEST });
});

test('a new place that somebody made since it was looked for is neither filled nor dropped', async () => {
  const orgId = await provision('Made meanwhile', 'database');
  const before = await readAll(platform, orgId);
  const make = () => migrateResults(platform.metadata, { schema: nameOf(orgId), orgId });
  const failing = move(orgId, 'schema', { onStep: at('prepare', async () => void (await make())) });
  await expect(failing).rejects.toThrow(/stopped at step prepare: .*serves from its old place/);
  expect(await readAll(platform, orgId)).toEqual(before);
  expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
  expect(await readFence(platform.metadata, nameOf(orgId))).toBeUndefined();
});

describe('a move whose row another call has taken', () => {
  test.each<OrgDatabaseRowUpdate>([{ transition_id: newId() }, { transition: 'move_back' }])(
    'before its switch, to %o, is not switched',
    async (values) => {
      const orgId = await provision(`Overtaken ${Object.keys(values)}`);
      const failing = move(orgId, 'database', { onStep: at('switch', () => set(orgId, values).then(() => {})) });
      await expect(failing).rejects.toThrow(MoveFailedError);
      await expect(failing).rejects.toThrow(/stopped at step switch: .*another call has ended this move;/);
      expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'schema', state: 'moving', ...values });
      expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
      const fence = await readFence(platform.metadata, nameOf(orgId));
      expect(await inDatabase(nameOf(orgId), (db) => readFence(db, 'public'))).toBe(fence);
    },
  );

  test('before it drops the old place, leaves that', async () => {
    const orgId = await provision('Overtaken at its drop');
    const taken = { transition_id: newId() };
    const failing = move(orgId, 'database', { onStep: at('drop', () => set(orgId, taken).then(() => {})) });
    await expect(failing).rejects.toThrow(/stopped at step drop/);
    expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
    expect(await readPlace(platform, orgId)).toMatchObject({ ...taken, transition: 'move_drop' });
  });
});

// What taking back connects to: 1 for what a killed maker left, 4 for what is in the new place.
test.each([
  { connection: 1, kept: 'draft' },
  { connection: 4, kept: 'new place' },
])('in its taking back, a move whose row another call has taken drops no $kept', async ({ connection, kept }) => {
  const orgId = await provision(`Taken over with its ${kept}`);
  const draft = nameOf(orgId).replace('mad_results_', 'mad_moving_');
  const hanging = createHanging();
  const onStep = at('copy', () => {
    hanging.arm(connection);
    throw new RangeError('out of memory');
  });
  await using _ = {
    [Symbol.asyncDispose]: async () =>
      void (await sql`drop database if exists ${sql.id(draft)}`.execute(platform.metadata)),
  };
  const failing = move(orgId, 'database', { onStep, clusters: hanging.clusters });
  failing.catch(() => {});
  await hanging.reached;
  await sql`create database ${sql.id(draft)}`.execute(platform.metadata);
  await set(orgId, { transition_id: newId() });
  hanging.open();
  await expect(failing).rejects.toThrow(/could not be taken back/);
  expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
  const { rows } = await sql`select from pg_database where datname = ${draft}`.execute(platform.metadata);
  expect(rows).toHaveLength(1);
});

describe('a move that was cut off', () => {
  test('does not switch while it waits for the fence of the new place to go', async () => {
    const orgId = await provision('Waits at its switch');
    const before = await readAll(platform, orgId);
    const fence = createHeldFence({ database: nameOf(orgId), schema: 'public' });
    const moving = move(orgId, 'database', { onStep: at('switch', fence.hold) });
    moving.catch(() => {});
    await Promise.race([fence.reached, moving]);
    await expect.poll(fence.isWaitedFor, { timeout: 10_000 }).toBe(true);
    await cut(orgId);
    await fence.release();
    await expect(moving).rejects.toThrow(/stopped at step switch/);
    expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'schema', transition: 'move' });
    await move(orgId, 'database');
    expect(await readAll(platform, orgId)).toEqual(before);
  });

  test('does not fence the old place after it waited to', async () => {
    const orgId = await provision('Waits at its fence');
    const database = new URL(platform.url).pathname.slice(1);
    const fence = createHeldFence({ database, schema: nameOf(orgId) });
    const moving = move(orgId, 'database', { onStep: at('fence', fence.hold) });
    moving.catch(() => {});
    await Promise.race([fence.reached, moving]);
    await expect.poll(fence.isWaitedFor, { timeout: 10_000 }).toBe(true);
    await cut(orgId);
    await fence.release();
    await expect(moving).rejects.toThrow(/stopped at step fence/);
    expect(await readFence(platform.metadata, nameOf(orgId))).toBeUndefined();
    await move(orgId, 'database');
  });

  test('makes no new place where the organization was moved there and back', async () => {
    const orgId = await provision('There and back');
    const first = stall('prepare', (onStep) => move(orgId, 'database', { onStep }));
    await first.reached;
    await cut(orgId);
    await move(orgId, 'database');
    await move(orgId, 'schema');
    first.open();
    await expect(first.call).rejects.toThrow(MoveFailedError);
    expect(await listPlaces(orgId)).toEqual(['schema']);
    await move(orgId, 'database');
  });

  test('does not turn back the call that goes on with it', async () => {
    const orgId = await provision('Goes on by another');
    const before = await readAll(platform, orgId);
    const first = stall('copy', (onStep) => move(orgId, 'database', { onStep }));
    await first.reached;
    await cut(orgId);
    const second = stall('verify', (onStep) => move(orgId, 'database', { onStep }));
    await second.reached;
    first.open();
    await expect(first.call).rejects.toThrow(MoveFailedError);
    expect(await readPlace(platform, orgId)).toMatchObject({ state: 'moving', transition: 'move' });
    second.open();
    await second.call;
    expect(await readAll(platform, orgId)).toEqual(before);
  });

  test('in its taking back does not lift the fence of the move that came after it', async () => {
    const orgId = await provision('Fenced anew');
    const before = await readAll(platform, orgId);
    const hanging = createHanging();
    const onStep = at('copy', () => {
      // The draft, whether the new place is there, its cluster, its content: the fifth is that of the old place's fence.
      hanging.arm(5);
      throw new RangeError('out of memory');
    });
    const first = move(orgId, 'database', { onStep, clusters: hanging.clusters });
    first.catch(() => {});
    await hanging.reached;
    expect(await listPlaces(orgId)).toEqual(['schema']);
    await cut(orgId);
    const second = stall('copy', (onStep) => move(orgId, 'database', { onStep }));
    await second.reached;
    hanging.open();
    await first.catch(() => {});
    const { transition_id } = (await readPlace(platform, orgId)) ?? {};
    expect(await readFence(platform.metadata, nameOf(orgId))).toBe(transition_id);
    second.open();
    await second.call;
    expect(await readAll(platform, orgId)).toEqual(before);
  });

  test('after its switch does not lift the fence of the move that came after it', async () => {
    const orgId = await provision('Fenced after', 'database');
    const before = await readAll(platform, orgId);
    const hanging = createHanging();
    // The version, the switch: the third is that of the new place's fence.
    const first = move(orgId, 'schema', { onStep: at('switch', () => hanging.arm(3)), clusters: hanging.clusters });
    first.catch(() => {});
    await hanging.reached;
    expect(await readPlace(platform, orgId)).toMatchObject({ placement: 'schema', transition: 'move_drop' });
    await cut(orgId);
    const second = stall('copy', (onStep) => move(orgId, 'database', { onStep }));
    await second.reached;
    hanging.open();
    await expect(first).rejects.toThrow(MoveFailedError);
    const { transition_id } = (await readPlace(platform, orgId)) ?? {};
    expect(await readFence(platform.metadata, nameOf(orgId))).toBe(transition_id);
    second.open();
    await second.call;
    expect(await readAll(platform, orgId)).toEqual(before);
  });
});

test('the place left behind stays for as long as is asked', async () => {
  const orgId = await provision('Looked at late', 'database');
  const to = { placement: 'schema', cluster: 'main' } as const;
  const times: number[] = [];
  const onStep = (step: string) => {
    if (step === 'drop' || step === 'end') times.push(performance.now());
  };
  const moving = moveOrganization({ ...platform, onStep }, { orgId, to, actor, dropAfterMs: 1_000 });
  moving.catch(() => {});
  await expect.poll(() => times.length, { timeout: 30_000 }).toBe(1);
  expect([...(await listPlaces(orgId))].sort()).toEqual(['database', 'schema']);
  await moving;
  expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThan(990);
  expect(await listPlaces(orgId)).toEqual(['schema']);
});

test('a new place that cannot be dropped is not forgotten', async () => {
  const orgId = await provision('Cannot be dropped');
  const before = await readAll(platform, orgId);
  const { main } = platform.clusters;
  let isAway = false;
  const clusters: Clusters = {
    main: {
      kind: 'postgres',
      connect: (database) => {
        if (isAway && database === nameOf(orgId)) throw new RangeError('no way there');
        return main?.kind === 'postgres' ? main.connect(database) : {};
      },
    },
  };
  const onStep = at('copy', () => {
    isAway = true;
  });
  await expect(move(orgId, 'database', { clusters, onStep })).rejects.toThrow(/could not be taken back/);
  expect(await readPlace(platform, orgId)).toMatchObject({ state: 'moving', transition: 'move_back' });
  await move(orgId, 'database');
  expect(await readAll(platform, orgId)).toEqual(before);
  expect(await listPlaces(orgId)).toEqual(['database']);
});

test('an organization moves into the PGlite that holds the Metadata DB, over its one session', async () => {
  await using embedded = createPgliteDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
  const pglite = {
    metadata: embedded.db as unknown as MetadataDatabase,
    clusters: { ...platform.clusters, small: { kind: 'pglite', db: embedded.db as never } } as const,
  };
  const { orgId } = await provisionOrganization(pglite, { name: 'Shrinks', placement: 'schema', cluster: 'main' });
  await fill(pglite, orgId);
  const before = await readAll(pglite, orgId);
  const to = { placement: 'schema', cluster: 'small' } as const;
  await moveOrganization(pglite, { orgId, to, actor, dropAfterMs: 0 });
  expect(await readAll(pglite, orgId)).toEqual(before);
  expect(await readPlace(pglite, orgId)).toMatchObject({ cluster: 'small', state: 'ready', transition: null });
});
