import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtifactStore,
  connectPostgres,
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  migrateMetadata,
  newId,
  type Placement,
  silentLogger,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  type Clusters,
  MoveFailedError,
  moveOrganization,
  OffboardingFailedError,
  OrganizationBusyError,
  OrganizationStateError,
  offboardOrganization,
  PlaceNotOurOwnError,
  provisionOrganization,
  reactivateOrganization,
  restoreOrganization,
  suspendOrganization,
} from '../../src/index.ts';
import { dropOwnPlace } from '../../src/results-database/drop-own-place.ts';
import { fenceWrites } from '../../src/results-database/fence-writes.ts';
import { placeResultsDatabase } from '../../src/results-database/results-database-place.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore, provisionFilled } from './archived-organization.ts';
import { fill, other, readAll, withResults } from './describe-move.ts';
import type { Platform } from './describe-provisioning.ts';
import { createGate, cutHold } from './gate.ts';

let folder: string;
let artifacts: ArtifactStore;
let platform: PostgresPlatform & { artifacts: ArtifactStore };
beforeAll(async () => {
  ({ folder, artifacts } = await createStore());
  platform = { ...(await createPostgresPlatform()), artifacts };
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const actor = null;
const placed = { placement: 'schema', cluster: 'main' } as const;
const archiveOf = (name: string) => join(folder, `${name.replaceAll(' ', '-')}.tar.gz`);
const nameOf = (orgId: string) => `mad_results_${orgId.replaceAll('-', '')}`;

const provision = async (name: string, placement: Placement = 'schema') => {
  const { orgId } = await provisionOrganization(platform, { name, placement, cluster: 'main' });
  await fill(platform, orgId);
  return orgId;
};

const move = (orgId: string, placement: Placement, onStep?: (step: string) => void | Promise<void>) =>
  moveOrganization({ ...platform, onStep }, { orgId, to: { placement, cluster: 'main' }, actor, dropAfterMs: 0 });

/** A call that stops before a step; what becomes of it is looked at later. */
function stall<T>(step: string, start: (onStep: (reached: string) => void | Promise<void>) => Promise<T>) {
  const gate = createGate();
  const call = start((reached) => (reached === step ? gate.wait() : undefined));
  call.catch(() => {});
  return { call, reached: Promise.race([gate.reached, call]), open: gate.open };
}

const cut = (orgId: string) => cutHold(platform, orgId);

const readStatus = ({ metadata }: Platform, orgId: string) =>
  inAllOrganizations(metadata, (tx) =>
    tx
      .selectFrom('organizations')
      .innerJoin('org_databases', 'org_databases.org_id', 'organizations.org_id')
      .select(['status', 'state', 'transition'])
      .where('organizations.org_id', '=', orgId)
      .executeTakeFirst(),
  );

const LIVES = { status: 'active', state: 'ready', transition: null };

const write = (orgId: string) =>
  withResults(platform, orgId, (results) =>
    results.insertInto('pipeline_specs').values({ spec_digest: newId(), spec: {} }).execute(),
  );

const offboard = (orgId: string, exportTo: string | false, onStep?: (step: string) => void | Promise<void>) =>
  offboardOrganization({ ...platform, onStep }, { orgId, exportTo, actor });

describe('an offboarding that was cut off and goes on later', () => {
  const HANG = ['files', 'rows', 'in its store'] as const;

  test.each(HANG)('deletes nothing of the organization that was restored meanwhile (%s)', async (where) => {
    const name = `Came back ${where}`;
    const { orgId, digests } = await provisionFilled(platform, { name, placement: 'schema' });
    const before = await readAll(platform, orgId);
    const gate = createGate();
    const hanging: ArtifactStore = {
      ...artifacts,
      put: artifacts.put.bind(artifacts),
      async *list(id) {
        await gate.wait();
        yield* artifacts.list(id);
      },
    };
    const request = { orgId, exportTo: archiveOf(name), actor };
    await offboard(orgId, archiveOf(name), (step) => {
      if (step === 'revoke') throw new RangeError('not yet');
    }).catch(() => {});
    const stalled =
      where === 'in its store'
        ? offboardOrganization({ ...platform, artifacts: hanging }, { ...request, exportTo: false })
        : offboardOrganization(
            { ...platform, onStep: (step) => (step === where ? gate.wait() : undefined) },
            { ...request, exportTo: false },
          );
    stalled.catch(() => {});
    await gate.reached;
    await expect(offboard(orgId, false)).rejects.toThrow(OrganizationBusyError);
    await cut(orgId);
    await offboard(orgId, false);
    await restoreOrganization(platform, { from: archiveOf(name), ...placed, actor });
    gate.open();
    await expect(stalled).rejects.toThrow(OffboardingFailedError);
    await expect(stalled).rejects.toThrow(/connection to cluster main/);
    expect(await readStatus(platform, orgId)).toMatchObject(LIVES);
    expect(await artifacts.head(orgId, digests[0] ?? '')).toBeDefined();
    expect(await readAll(platform, orgId)).toEqual(before);
    const roles = await inOrganization(platform.metadata, orgId, (tx) =>
      tx.selectFrom('roles').select('name').where('org_id', '=', orgId).execute(),
    );
    expect(roles.length).toBeGreaterThan(0);
  });

  test('does not take the one that began later for its own', async () => {
    const orgId = await provision('Left twice');
    const first = stall('revoke', (onStep) => offboard(orgId, archiveOf('first'), onStep));
    await first.reached;
    await expect(reactivateOrganization(platform, { orgId, actor })).rejects.toThrow(OrganizationBusyError);
    await cut(orgId);
    await reactivateOrganization(platform, { orgId, actor });
    await write(orgId);
    const second = stall('export', (onStep) => offboard(orgId, archiveOf('second'), onStep));
    await second.reached;
    first.open();
    await expect(first.call).rejects.toThrow(OffboardingFailedError);
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'deleting', state: 'ready' });
    second.open();
    expect((await second.call).archive?.rows).toMatchObject({ 'results.pipeline_specs': 2 });
    expect(existsSync(archiveOf('second'))).toBe(true);
  });

  test('does not fence the organization that was reactivated', async () => {
    const orgId = await provision('Stayed');
    const leaving = stall('fence', (onStep) => offboard(orgId, false, onStep));
    await leaving.reached;
    await cut(orgId);
    await reactivateOrganization(platform, { orgId, actor });
    leaving.open();
    await expect(leaving.call).rejects.toThrow(OffboardingFailedError);
    expect(await readStatus(platform, orgId)).toMatchObject(LIVES);
    await write(orgId);
  });

  test('leaves no fence that was on its way up when it was taken back', async () => {
    const orgId = await provision('Wrote on');
    const gate = createGate();
    const writing = withResults(platform, orgId, (results) =>
      results.transaction().execute(async (tx) => {
        await tx.insertInto('pipeline_specs').values({ spec_digest: newId(), spec: {} }).execute();
        await gate.wait();
      }),
    );
    await gate.reached;
    const leaving = offboard(orgId, false);
    leaving.catch(() => {});
    await expect.poll(() => waitsForTable(orgId)).toBe(true);
    await expect(reactivateOrganization(platform, { orgId, actor })).rejects.toThrow(OrganizationBusyError);
    await cut(orgId);
    const back = reactivateOrganization(platform, { orgId, actor });
    await expect.poll(waitsForFence).toBe(true);
    gate.open();
    await Promise.all([writing, back]);
    await expect(leaving).rejects.toThrow(OffboardingFailedError);
    expect(await readStatus(platform, orgId)).toMatchObject(LIVES);
    await write(orgId);
  });
});

async function waitsForTable(orgId: string): Promise<boolean> {
  const { rows } = await sql`select from pg_locks l join pg_class c on c.oid = l.relation
    join pg_namespace n on n.oid = c.relnamespace where n.nspname = ${nameOf(orgId)} and not l.granted`.execute(
    platform.metadata,
  );
  return rows.length > 0;
}

async function waitsForFence(): Promise<boolean> {
  const { rows } = await sql`select from pg_locks where locktype = 'advisory' and not granted`.execute(
    platform.metadata,
  );
  return rows.length > 0;
}

describe('a move that was cut off and goes on later', () => {
  test('does not drop the place that the organization came back to, fenced or not', async () => {
    const orgId = await provision('To and fro');
    const before = await readAll(platform, orgId);
    const first = stall('drop', (onStep) => move(orgId, 'database', onStep));
    await first.reached;
    await expect(move(orgId, 'schema')).rejects.toThrow(OrganizationBusyError);
    await cut(orgId);
    await move(orgId, 'schema');
    const third = stall('copy', (onStep) => move(orgId, 'database', onStep));
    await third.reached;
    first.open();
    await expect(first.call).rejects.toThrow(MoveFailedError);
    third.open();
    await third.call;
    expect(await readAll(platform, orgId)).toEqual(before);
  });

  test('does not fence it', async () => {
    const orgId = await provision('To and fro, unfenced');
    const first = stall('fence', (onStep) => move(orgId, 'database', onStep));
    await first.reached;
    await cut(orgId);
    await move(orgId, 'database');
    await move(orgId, 'schema');
    first.open();
    await expect(first.call).rejects.toThrow(MoveFailedError);
    expect(await readStatus(platform, orgId)).toMatchObject(LIVES);
    await write(orgId);
  });

  // Each connection that taking back opens may be the one that hangs.
  test.each([1, 2, 3, 4])('does not drop it where its taking back hangs at connection %d', async (which) => {
    const orgId = await provision(`Hangs at ${which}`);
    const before = await readAll(platform, orgId);
    const gate = createGate();
    let opened = Number.NEGATIVE_INFINITY;
    const { main } = platform.clusters;
    const hanging: Clusters = {
      main: {
        kind: 'postgres',
        connect: async (database) => {
          if (++opened === which) await gate.wait();
          return main?.kind === 'postgres' ? await main.connect(database) : {};
        },
      },
    };
    const onStep = (step: string) => {
      if (step !== 'copy') return;
      opened = 0;
      throw new RangeError('out of memory');
    };
    const to = { placement: 'database', cluster: 'main' } as const;
    const request = { orgId, to, actor, dropAfterMs: 0 };
    const first = moveOrganization({ ...platform, clusters: hanging, onStep }, request);
    first.catch(() => {});
    await gate.reached;
    await cut(orgId);
    await move(orgId, 'database');
    gate.open();
    await expect(first).rejects.toThrow(MoveFailedError);
    expect(await readAll(platform, orgId)).toEqual(before);
    await write(orgId);
  });
});

describe.each<Placement>(['schema', 'database'])('back in placement %s', (placement) => {
  test('a connection of former days loses no write that was acknowledged', async () => {
    const orgId = await provision(`Written to in ${placement}`, placement);
    await move(orgId, other(placement));
    const connectionString = placement === 'schema' ? platform.url : platform.databaseUrl(nameOf(orgId));
    const table = sql.id(placement === 'schema' ? nameOf(orgId) : 'public', 'cache_events');
    const connect = () => connectPostgres({ connectionString, max: 1 }) as unknown as Kysely<unknown>;
    const written: string[] = [];
    let isOver = false;
    const writing = (async () => {
      while (!isOver) {
        const key = newId();
        const kept = connect();
        await sql`insert into ${table} (cache_key, event) values (${key}, 'PINNED')`.execute(kept).then(
          () => written.push(key),
          () => {},
        );
        await kept.destroy();
      }
    })();
    await move(orgId, placement, async (step) => {
      if (step === 'copy') await expect.poll(() => written.length).toBe(0);
    });
    await expect.poll(() => written.length).toBeGreaterThan(0);
    isOver = true;
    await writing;
    const rows = await withResults(platform, orgId, (results) =>
      results.selectFrom('cache_events').select('cache_key').execute(),
    );
    expect(rows.map(({ cache_key }) => cache_key)).toEqual(expect.arrayContaining(written));
  });
});

describe('a restore', () => {
  const offboarded = async (name: string) => {
    const { orgId, digests } = await provisionFilled(platform, { name, placement: 'schema' });
    await offboard(orgId, archiveOf(name));
    return { orgId, digest: digests[0] ?? '', from: archiveOf(name) };
  };

  test('that was cut off takes nothing away of the one that came after it', async () => {
    const { orgId, digest, from } = await offboarded('Restored twice');
    const request = { from, ...placed, actor };
    const first = stall('compare', (onStep) => restoreOrganization({ ...platform, onStep }, request));
    await first.reached;
    await expect(restoreOrganization(platform, request)).rejects.toThrow(OrganizationBusyError);
    await cut(orgId);
    await restoreOrganization(platform, request);
    first.open();
    await expect(first.call).rejects.toThrow(/connection to cluster main/);
    expect(await readStatus(platform, orgId)).toMatchObject(LIVES);
    expect(await artifacts.head(orgId, digest)).toBeDefined();
  });

  test('is not suspended half-way, as nobody would know afterwards', async () => {
    const { orgId, from } = await offboarded('Held');
    const restoring = stall('activate', (onStep) =>
      restoreOrganization({ ...platform, onStep }, { from, ...placed, actor }),
    );
    await restoring.reached;
    await expect(suspendOrganization(platform, { orgId, actor })).rejects.toThrow(OrganizationStateError);
    restoring.open();
    await restoring.call;
    await suspendOrganization(platform, { orgId, actor });
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'suspended' });
  });
});

test('a place that is fenced for another transition is not dropped', async () => {
  const orgId = await provision('Fenced by another');
  const place = placeResultsDatabase({ orgId, ...placed });
  const around = { clusters: platform.clusters, logger: silentLogger };
  const raise = (by: string) =>
    fenceWrites(platform.metadata, { schema: place.schema, by, check: () => Promise.resolve() });
  const [mine, theirs] = [newId(), newId()];
  await raise(theirs);
  for (const fencedBy of [mine, undefined])
    await expect(dropOwnPlace(place, around, { fencedBy })).rejects.toThrow(PlaceNotOurOwnError);
  await raise(mine);
  const check = () => Promise.reject(new RangeError('not mine any more'));
  await expect(dropOwnPlace(place, around, { fencedBy: mine, check })).rejects.toThrow('not mine any more');
  await dropOwnPlace(place, around, { fencedBy: mine });
});

test('a fence is not raised where its call was cut off while it waited', async () => {
  const orgId = await provision('Not fenced');
  const { schema } = placeResultsDatabase({ orgId, ...placed });
  const check = () => Promise.reject(new RangeError('cut off'));
  await expect(fenceWrites(platform.metadata, { schema, by: newId(), check })).rejects.toThrow('cut off');
  await write(orgId);
});

test('an organization that moved to another cluster while it was to be held is not touched', async () => {
  const orgId = await provision('Gone elsewhere');
  const before = await readAll(platform, orgId);
  const { main } = platform.clusters;
  if (main?.kind !== 'postgres') throw new RangeError('no cluster');
  const gate = createGate();
  const both = { ...platform, clusters: { main, second: main } };
  const slow: Clusters = {
    main: { kind: 'postgres', connect: (database) => gate.wait().then(() => main.connect(database)) },
    second: main,
  };
  const leaving = offboardOrganization({ ...both, clusters: slow }, { orgId, exportTo: false, actor });
  leaving.catch(() => {});
  await gate.reached;
  const to = { placement: 'database', cluster: 'second' } as const;
  await moveOrganization(both, { orgId, to, actor, dropAfterMs: 0 });
  gate.open();
  await expect(leaving).rejects.toThrow(OrganizationBusyError);
  expect(await readAll(both, orgId)).toEqual(before);
});

test('clusters of two names on one server do not keep a call out', async () => {
  const orgId = await provision('Two names');
  const before = await readAll(platform, orgId);
  const { main } = platform.clusters;
  const both = { ...platform, clusters: { ...platform.clusters, ...(main && { second: main }) } };
  const to = { placement: 'database', cluster: 'second' } as const;
  await moveOrganization(both, { orgId, to, actor, dropAfterMs: 0 });
  expect(await readAll(both, orgId)).toEqual(before);
});

test('on PGlite one call at a time as well', async () => {
  await using embedded = createPgliteDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
  const pglite = {
    metadata: embedded.db as unknown as MetadataDatabase,
    clusters: { main: { kind: 'pglite', db: embedded.db as never } } as const,
    artifacts,
  };
  const { orgId } = await provisionOrganization(pglite, { name: 'Small', ...placed });
  const leaving = stall('export', (onStep) =>
    offboardOrganization({ ...pglite, onStep }, { orgId, exportTo: archiveOf('small'), actor }),
  );
  await leaving.reached;
  await expect(reactivateOrganization(pglite, { orgId, actor })).rejects.toThrow(OrganizationBusyError);
  leaving.open();
  await leaving.call;
  await restoreOrganization(pglite, { from: archiveOf('small'), ...placed, actor });
  expect(await readStatus(pglite, orgId)).toMatchObject(LIVES);
});
