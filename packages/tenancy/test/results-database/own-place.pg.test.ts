import {
  connectPostgres,
  findSqlState,
  migrateResults,
  newId,
  ResultsDatabaseMismatchError,
  resultsTrack,
  silentLogger,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PlacementUnsupportedError, PlaceNotOurOwnError } from '../../src/index.ts';
import { dropOwnPlace, placeExists } from '../../src/results-database/drop-own-place.ts';
import { fenceWrites, liftFence, raiseFence, readFence } from '../../src/results-database/fence-writes.ts';
import { dropDraft, makeFencedPlace } from '../../src/results-database/make-fenced-place.ts';
import { placeResultsDatabase, type ResultsDatabasePlace } from '../../src/results-database/results-database-place.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
let db: Kysely<unknown>;
const made: ResultsDatabasePlace[] = [];
beforeAll(async () => {
  platform = await createPostgresPlatform();
  db = platform.metadata as unknown as Kysely<unknown>;
  // Another organization of the same database: nothing here is about it.
  await makeFencedPlace(newPlace('schema'), { ...around(), by: newId() });
});
afterAll(async () => {
  for (const { database } of made)
    if (database !== undefined) {
      const draft = database.replace('mad_results_', 'mad_moving_');
      for (const name of [database, draft]) await sql`drop database if exists ${sql.id(name)} with (force)`.execute(db);
    }
  await platform[Symbol.asyncDispose]();
});

const around = () => ({ clusters: platform.clusters, logger: silentLogger });
const allow = () => Promise.resolve();
const refuse = () => Promise.reject(new RangeError('not mine any more'));

function newPlace(placement: 'database' | 'schema'): ResultsDatabasePlace {
  const place = placeResultsDatabase({ orgId: newId(), placement, cluster: 'main' });
  made.push(place);
  return place;
}

/** A schema with a Results DB of this organization, as provisioning makes it. */
async function makeSchema(place = newPlace('schema'), orgId = place.orgId): Promise<ResultsDatabasePlace> {
  await migrateResults(db, { schema: place.schema, orgId });
  return place;
}

async function inDatabase<T>(database: string, run: (db: Kysely<unknown>) => Promise<T>): Promise<T> {
  await using opened = connectPostgres({ connectionString: platform.databaseUrl(database), max: 1 });
  return await run(opened as unknown as Kysely<unknown>);
}

describe('a place is not dropped', () => {
  test('that is stamped for another organization', async () => {
    const place = await makeSchema(newPlace('schema'), newId());
    await expect(dropOwnPlace(place, around(), { fencedBy: undefined })).rejects.toThrow(ResultsDatabaseMismatchError);
    expect(await placeExists(place, around())).toBe(true);
  });

  test('that is not fenced where it should be', async () => {
    const place = await makeSchema();
    await expect(dropOwnPlace(place, around(), { fencedBy: newId() })).rejects.toThrow(PlaceNotOurOwnError);
    expect(await placeExists(place, around())).toBe(true);
  });

  test('that is fenced where it should not be', async () => {
    const place = await makeSchema();
    await fenceWrites(db, { schema: place.schema, by: newId(), check: allow });
    await expect(dropOwnPlace(place, around(), { fencedBy: undefined })).rejects.toThrow(PlaceNotOurOwnError);
    expect(await placeExists(place, around())).toBe(true);
  });

  test.each(['database', 'schema'] as const)('whose %s has a name of the host', async (placement) => {
    const name = `host_${newId().replaceAll('-', '')}`;
    const kind = sql.raw(placement);
    await sql`create ${kind} ${sql.id(name)}`.execute(db);
    try {
      const place = { ...newPlace(placement), [placement]: name };
      await expect(dropOwnPlace(place, around(), { fencedBy: undefined })).rejects.toThrow(PlaceNotOurOwnError);
      expect(await placeExists(place, around())).toBe(true);
    } finally {
      await sql`drop ${kind} if exists ${sql.id(name)}`.execute(db);
    }
  });

  test('where its database has the name of this library and its schema does not', async () => {
    const place = newPlace('database');
    await sql`create database ${sql.id(place.database ?? '')}`.execute(db);
    const dropping = dropOwnPlace({ ...place, schema: 'of_the_host' }, around(), { fencedBy: undefined });
    await expect(dropping).rejects.toThrow(PlaceNotOurOwnError);
    expect(await placeExists(place, around())).toBe(true);
  });

  test('where the last question is answered by no', async () => {
    const place = await makeSchema();
    const dropping = dropOwnPlace(place, around(), { fencedBy: undefined, check: refuse });
    await expect(dropping).rejects.toThrow('not mine any more');
    expect(await placeExists(place, around())).toBe(true);
  });
});

describe('a place is dropped', () => {
  test.each(['database', 'schema'] as const)('whose %s is empty, once and twice', async (placement) => {
    const place = newPlace(placement);
    await sql`create ${sql.raw(placement)} ${sql.id(place[placement] ?? '')}`.execute(db);
    for (let times = 0; times < 2; times++) {
      await dropOwnPlace(place, around(), { fencedBy: undefined });
      expect(await placeExists(place, around())).toBe(false);
    }
  });

  test('that nobody has stamped yet', async () => {
    const place = newPlace('schema');
    await migrateResults(db, { schema: place.schema });
    await dropOwnPlace(place, around(), { fencedBy: undefined });
    expect(await placeExists(place, around())).toBe(false);
  });
});

describe('a fenced place', () => {
  test.each(['database', 'schema'] as const)(
    'is made as a %s with stamp and fence, and no write goes in',
    async (placement) => {
      const place = newPlace(placement);
      const by = newId();
      await makeFencedPlace(place, { ...around(), by });
      const look = async (inside: Kysely<unknown>) => {
        expect(await readFence(inside, place.schema)).toBe(by);
        const table = (name: string) => sql.id(place.schema, name);
        const { rows } = await sql`select org_id from ${table('results_database')}`.execute(inside);
        expect(rows).toEqual([{ org_id: place.orgId }]);
        for (const statement of [
          sql`insert into ${table('cache_events')} (cache_key, event) values ('k', 'PINNED')`,
          sql`update ${table('cache_events')} set event = 'UNPINNED'`,
          sql`delete from ${table('cache_events')}`,
          sql`truncate ${table('cache_events')}`,
        ])
          await expect(statement.execute(inside)).rejects.toMatchObject({ code: '25006' });
      };
      await (place.database === undefined ? look(db) : inDatabase(place.database, look));
    },
  );

  test('has nothing of the draft that a killed maker left', async () => {
    const place = newPlace('database');
    const { database = '' } = place;
    const draft = database.replace('mad_results_', 'mad_moving_');
    await sql`create database ${sql.id(draft)}`.execute(db);
    await inDatabase(draft, (left) => sql`create table left_over (n int)`.execute(left));
    await makeFencedPlace(place, { ...around(), by: newId() });
    const tables = await inDatabase(database, (inside) =>
      sql`select from pg_tables where tablename = 'left_over'`.execute(inside),
    );
    expect(tables.rows).toEqual([]);
    expect(await placeExists({ ...place, database: draft }, around())).toBe(false);
  });

  test('whose making fails is not there', async () => {
    const place = newPlace('schema');
    await sql`create function refuse_comment() returns event_trigger language plpgsql as
      $$ begin raise exception 'no comments today'; end $$`.execute(db);
    await sql`create event trigger refuse_comment on ddl_command_start when tag in ('COMMENT')
      execute function refuse_comment()`.execute(db);
    try {
      await expect(makeFencedPlace(place, { ...around(), by: newId() })).rejects.toThrow('no comments today');
      expect(await placeExists(place, around())).toBe(false);
    } finally {
      await sql`drop event trigger refuse_comment`.execute(db);
    }
  });

  test('is no database on PGlite', async () => {
    await using embedded = createPgliteDatabase();
    const clusters = { main: { kind: 'pglite', db: embedded.db } } as const;
    const making = makeFencedPlace(newPlace('database'), { clusters, logger: silentLogger, by: newId() });
    await expect(making).rejects.toThrow(PlacementUnsupportedError);
  });

  test('whose draft another call makes now keeps it', async () => {
    const place = newPlace('database');
    const draft = (place.database ?? '').replace('mad_results_', 'mad_moving_');
    await sql`create database ${sql.id(draft)}`.execute(db);
    await expect(dropDraft(place, { ...around(), check: refuse })).rejects.toThrow('not mine any more');
    expect(await placeExists({ ...place, database: draft }, around())).toBe(true);
    await dropDraft(place, { ...around(), check: allow });
    expect(await placeExists({ ...place, database: draft }, around())).toBe(false);
  });
});

describe('a fence', () => {
  const write = (place: ResultsDatabasePlace, table: string) =>
    table === 'cache_events'
      ? sql`insert into ${sql.id(place.schema, table)} (cache_key, event) values ('k', 'PINNED')`
      : sql`insert into ${sql.id(place.schema, table)} (spec_digest, spec) values (${newId()}, '{}')`;

  test('of another transition is not lifted, unless whosever is meant', async () => {
    const { schema } = await makeSchema();
    const [mine, theirs] = [newId(), newId()];
    await fenceWrites(db, { schema, by: theirs, check: allow });
    await liftFence(db, { schema, by: mine });
    expect(await readFence(db, schema)).toBe(theirs);
    await liftFence(db, { schema });
    expect(await readFence(db, schema)).toBeUndefined();
  });

  test('becomes that of who raises it last, and is not that of another schema', async () => {
    const [one, other] = [await makeSchema(), await makeSchema()];
    const [first, last] = [newId(), newId()];
    for (const by of [first, last]) await fenceWrites(db, { schema: one.schema, by, check: allow });
    expect(await readFence(db, one.schema)).toBe(last);
    expect(await readFence(db, other.schema)).toBeUndefined();
    await write(other, 'cache_events').execute(db);
    await liftFence(db, { schema: one.schema, by: last });
    await write(one, 'cache_events').execute(db);
  });

  test('stays where what happens meanwhile fails', async () => {
    const { schema } = await makeSchema();
    const by = newId();
    await fenceWrites(db, { schema, by, check: allow });
    await expect(liftFence(db, { schema, by, meanwhile: refuse })).rejects.toThrow('not mine any more');
    expect(await readFence(db, schema)).toBe(by);
  });

  // Who holds one table and wants the next meets a fence that has that one and wants the first.
  test('is raised behind a writer that it meets crosswise', async () => {
    const place = await makeSchema();
    const by = newId();
    const waits = async () => {
      const { rows } = await sql`select from pg_locks l join pg_class c on c.oid = l.relation
        join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = ${place.schema} and c.relname = 'pipeline_specs' and not l.granted`.execute(db);
      return rows.length > 0;
    };
    let fencing = Promise.resolve();
    await db.transaction().execute(async (tx) => {
      // Of the two the fence is to give way.
      await sql`set local deadlock_timeout = '30s'`.execute(tx);
      await write(place, 'pipeline_specs').execute(tx);
      fencing = fenceWrites(db, { schema: place.schema, by, check: allow });
      fencing.catch(() => {});
      await expect.poll(waits, { timeout: 10_000 }).toBe(true);
      await write(place, 'cache_events').execute(tx);
    });
    await fencing;
    expect(await readFence(db, place.schema)).toBe(by);
  });

  test.each(['55P03', '40P01'])('is tried again after the refusal %s, not for ever', async (code) => {
    const { schema } = await makeSchema();
    const by = newId();
    let asked = 0;
    const refusing = (times: number) => () =>
      ++asked <= times ? Promise.reject(Object.assign(new RangeError('busy'), { code })) : Promise.resolve();
    await expect(fenceWrites(db, { schema, by, check: refusing(100) })).rejects.toThrow('busy');
    expect(asked).toBe(5);
    asked = 0;
    await fenceWrites(db, { schema, by, check: refusing(2) });
    expect(await readFence(db, schema)).toBe(by);
  });

  test('is raised by one at a time', async () => {
    const { schema } = await makeSchema();
    const [opened, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const [first, second] = [newId(), newId()];
    const order: string[] = [];
    const raising = fenceWrites(db, {
      schema,
      by: first,
      check: async () => {
        order.push('first is asked');
        reached.resolve();
        await opened.promise;
      },
    }).then(() => order.push('first is there'));
    await reached.promise;
    const next = fenceWrites(db, { schema, by: second, check: async () => void order.push('second is asked') });
    const waits = async () => {
      const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted
        and database = (select oid from pg_database where datname = current_database())`.execute(db);
      return rows.length > 0;
    };
    try {
      await expect.poll(waits, { timeout: 10_000 }).toBe(true);
    } finally {
      opened.resolve();
    }
    await Promise.all([raising, next]);
    expect(order.indexOf('second is asked')).toBeGreaterThan(0);
    expect(order[0]).toBe('first is asked');
    expect(await readFence(db, schema)).toBe(second);
  });

  test('waits for a writer no longer than some seconds, in which others queue behind it', async () => {
    const place = await makeSchema();
    const { schema } = place;
    await db.transaction().execute(async (tx) => {
      await sql`select pg_advisory_xact_lock(hashtextextended(${`mad.fence.${schema}`}, 0))`.execute(tx);
      const lifting = liftFence(db, { schema }).catch((error: unknown) => findSqlState(error));
      expect(await lifting).toBe('55P03');
    });
  }, 30_000);

  test('leaves no table out but the stamp', async () => {
    const { schema } = await makeSchema();
    await db.transaction().execute((tx) => raiseFence(tx, { schema, by: newId() }));
    const { rows } = await sql<{ name: string }>`select c.relname as name from pg_class c
      join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${schema} and c.relkind in ('r', 'p')
      and not exists (select from pg_trigger t where t.tgrelid = c.oid and t.tgname = 'mad_fence')`.execute(db);
    expect(rows).toEqual([{ name: 'results_database' }]);
    expect(Object.keys(resultsTrack.migrations).length).toBeGreaterThan(0);
  });
});
