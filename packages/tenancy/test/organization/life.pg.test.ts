import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  type ArtifactStore,
  createLocalArtifactStore,
  inAllOrganizations,
  insertUser,
  type MetadataDatabase,
  migrateMetadata,
  NotFoundError,
  newId,
  OrganizationInactiveError,
  type Placement,
  readArtifactText,
  readStoredBytes,
} from '@mad/core';
import { createPgliteDatabase } from '@mad/testkit';
import { type QueryExecutorProvider, sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveManifest } from '../../src/archive/archive-manifest.ts';
import { METADATA_PARTS } from '../../src/archive/metadata-parts.ts';
import {
  ArchivePathError,
  ArchiveRefusedError,
  createResultsDatabases,
  exportOrganization,
  findCaller,
  findOrganizations,
  moveOrganization,
  OffboardingFailedError,
  OrganizationStateError,
  offboardOrganization,
  provisionOrganization,
  ResultsDatabaseExtendedError,
  reactivateOrganization,
  restoreOrganization,
  suspendOrganization,
} from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore, provisionFilled, readMetadata } from './archived-organization.ts';
import { readAll, withResults } from './describe-move.ts';
import type { Platform } from './describe-provisioning.ts';
import { runAndDie } from './die.ts';
import { type Piece, packTar, repackArchive, unpackArchive } from './repack-archive.ts';

let folder: string;
let artifacts: ArtifactStore;
let platform: PostgresPlatform & { artifacts: ArtifactStore };
let other: PostgresPlatform & { artifacts: ArtifactStore };
beforeAll(async () => {
  ({ folder, artifacts } = await createStore());
  platform = { ...(await createPostgresPlatform()), artifacts };
  other = {
    ...(await createPostgresPlatform()),
    artifacts: createLocalArtifactStore({ folder: join(folder, 'of-the-other') }),
  };
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const actor = null;
const archiveOf = (name: string) => join(folder, `${name.replaceAll(' ', '-')}.tar.gz`);

const readStatus = async ({ metadata }: Platform, orgId: string) => {
  const rows = await inAllOrganizations(metadata, (tx) =>
    tx
      .selectFrom('organizations')
      .leftJoin('org_databases', 'org_databases.org_id', 'organizations.org_id')
      .select(['name', 'status', 'state', 'transition', 'quotas'])
      .where('organizations.org_id', '=', orgId)
      .execute(),
  );
  return rows[0];
};

const readActions = ({ metadata }: Platform, orgId: string) =>
  inAllOrganizations(metadata, async (tx) =>
    (await tx.selectFrom('audit_logs').select('action').where('org_id', '=', orgId).orderBy('seq').execute()).map(
      ({ action }) => action,
    ),
  );

async function listPlaces({ metadata }: Platform, orgId: string): Promise<readonly string[]> {
  const name = `mad_results_${orgId.replaceAll('-', '')}`;
  const { rows } = await sql<{ kind: string }>`select 'database' as kind from pg_database where datname = ${name}
    union all select 'schema' from pg_namespace where nspname = ${name}`.execute(metadata);
  return rows.map(({ kind }) => kind);
}

describe('suspend and reactivate', () => {
  test('a suspended organization answers nothing, a reactivated one as before', async () => {
    const name = 'On and off';
    const { orgId, user_id } = await provisionFilled(platform, { name, placement: 'schema' });
    const before = await readAll(platform, orgId);
    await suspendOrganization(platform, { orgId, actor: user_id, reason: 'unpaid' });
    await suspendOrganization(platform, { orgId, actor });
    await expect(findCaller(platform.metadata, { orgId, userId: user_id })).rejects.toThrow(OrganizationInactiveError);
    await expect(withResults(platform, orgId, async () => {})).rejects.toThrow(OrganizationInactiveError);
    await reactivateOrganization(platform, { orgId: orgId.toUpperCase(), actor });
    await reactivateOrganization(platform, { orgId, actor });
    expect(await readAll(platform, orgId)).toEqual(before);
    const actions = (await readActions(platform, orgId)).filter((action) => /suspend|reactivate/.test(action));
    expect(actions).toEqual(['organization.suspend', 'organization.reactivate']);
  });

  test('a suspended organization can be moved and stays suspended', async () => {
    const { orgId } = await provisionFilled(platform, { name: 'Off and away', placement: 'schema' });
    await suspendOrganization(platform, { orgId, actor });
    await moveOrganization(platform, { orgId, to: { placement: 'database', cluster: 'main' }, actor, dropAfterMs: 0 });
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'suspended', state: 'ready' });
    const { items } = await findOrganizations(platform, { status: 'suspended' });
    const found = { orgId, name: 'Off and away', placement: 'database', cluster: 'main' };
    const is = { status: 'suspended', state: 'ready', transition: null };
    expect(items).toEqual([{ ...found, ...is, createdAt: expect.any(Date) }]);
  });

  test('what does not exist is not found', async () => {
    await expect(suspendOrganization(platform, { orgId: newId(), actor })).rejects.toThrow(NotFoundError);
    await expect(reactivateOrganization(platform, { orgId: newId(), actor })).rejects.toThrow(NotFoundError);
  });
});

describe.each<{ where: string; placement: Placement }>([
  { where: 'PostgreSQL', placement: 'database' },
  { where: 'PostgreSQL', placement: 'schema' },
  { where: 'PGlite', placement: 'schema' },
])('on $where by placement $placement', ({ where, placement }) => {
  test('an organization that left comes back as it was', async () => {
    await using embedded = createPgliteDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
    const pglite = {
      metadata: embedded.db as unknown as MetadataDatabase,
      clusters: { main: { kind: 'pglite', db: embedded.db as never } } as const,
      artifacts,
    };
    const here = where === 'PGlite' ? pglite : platform;
    const name = `Round trip ${where} ${placement}`;
    const { orgId, email, digests } = await provisionFilled(here, { name, placement });
    const [rows, metadata] = [await readAll(here, orgId), await readMetadata(here, orgId)];
    const to = archiveOf(name);

    const left = await offboardOrganization(here, { orgId, exportTo: to, actor });
    expect(left.archive?.rows).toMatchObject({ 'results.jobs': 3, 'metadata.jobs_meta': 3, 'metadata.members': 1 });
    expect(left.filesDeleted).toBe(2);
    expect(await readStatus(here, orgId)).toMatchObject({
      name: `(deleted) ${orgId}`,
      status: 'deleted',
      state: 'deleted',
    });
    expect(await artifacts.head(orgId, digests[0] ?? '')).toBeUndefined();
    if (where !== 'PGlite') expect(await listPlaces(here, orgId)).toEqual([]);
    expect((await readMetadata(here, orgId)).jobs_meta).toEqual([]);
    expect(await offboardOrganization(here, { orgId, exportTo: false, actor })).toMatchObject({ filesDeleted: 0 });

    const back = await restoreOrganization(here, { from: to, placement, cluster: 'main', actor });
    expect(back).toMatchObject({ orgId, rows: left.archive?.rows, files: { count: 2 }, usersMade: 0 });
    expect(await readStatus(here, orgId)).toMatchObject({
      name,
      status: 'active',
      state: 'ready',
      transition: null,
      quotas: { max_concurrent_jobs: 7 },
    });
    expect(await readAll(here, orgId)).toEqual(rows);
    expect(await readMetadata(here, orgId)).toEqual(metadata);
    expect(await readArtifactText(artifacts, { orgId, digest: digests[0] ?? '' })).toBe('a small file');
    for (const digest of digests) expect(await artifacts.head(orgId, digest)).toBeDefined();
    const settings = await inAllOrganizations(here.metadata, (tx) =>
      tx.selectFrom('org_settings').selectAll().where('org_id', '=', orgId).execute(),
    );
    expect(settings).toMatchObject([{ config: { theme: 'dark' }, storage_bucket: null, storage_prefix: orgId }]);
    const tokens = await inAllOrganizations(here.metadata, (tx) =>
      tx.selectFrom('tokens').selectAll().where('org_id', '=', orgId).execute(),
    );
    expect(tokens).toEqual([]);
    expect(await readActions(here, orgId)).toEqual(
      expect.arrayContaining(['organization.export', 'organization.offboard', 'organization.restore']),
    );
    const again = provisionOrganization(here, { name, placement, cluster: 'main', admin: { email } });
    expect(await again).toMatchObject({ orgId });
  });
});

describe('an archive', () => {
  let orgId: string;
  let email: string;
  let from: string;
  beforeAll(async () => {
    from = archiveOf('the archive');
    ({ orgId, email } = await provisionFilled(platform, { name: 'Archived', placement: 'schema' }));
    await exportOrganization(platform, { orgId, to: from, actor });
  });

  const restore = (path: string) =>
    restoreOrganization(other, { from: path, placement: 'schema', cluster: 'main', actor, maxBytes: 50_000_000 });

  test('can be opened by a person, and holds no secret', async () => {
    const listed = execFileSync('tar', ['-tzf', from]).toString().trim().split('\n');
    expect(listed).toContain('results/jobs/000001.ndjson');
    expect(listed.at(-1)).toBe('manifest.json');
    const text = execFileSync('tar', ['-xzOf', from]).toString();
    expect(text).toContain(email);
    expect(text).not.toMatch(/hashed_password|secret_hash|c{64}/);
  });

  test('is the same as a stream, and nothing is left of one that breaks', async () => {
    const stream = new PassThrough();
    const chunks = Array.fromAsync(stream as AsyncIterable<Buffer>);
    const { sha256 } = await exportOrganization(platform, { orgId, to: stream, actor });
    expect(sha256).toMatch(/^[0-9a-f]{64}$/);
    await writeFile(archiveOf('streamed'), Buffer.concat(await chunks));
    expect((await unpackArchive(archiveOf('streamed'))).map(({ name }) => name).sort()).toEqual(
      (await unpackArchive(from)).map(({ name }) => name).sort(),
    );
    const files = await readdir(folder);
    const broken: ArtifactStore = { ...artifacts, get: () => Promise.reject(new RangeError('the disk is gone')) };
    const failing = exportOrganization({ ...platform, artifacts: broken }, { orgId, to: archiveOf('never'), actor });
    await expect(failing).rejects.toThrow('the disk is gone');
    expect(await readdir(folder)).toEqual(files);
  });

  test('has the jobs of one moment while others are written', async () => {
    await using databases = createResultsDatabases(platform);
    const results = await databases.get(orgId);
    let isOver = false;
    const writing = (async () => {
      while (!isOver)
        await results.transaction().execute(async (tx) => {
          const job_id = newId();
          await tx.insertInto('jobs').values({ job_id, pipeline_version: 'p@1.0.0' }).execute();
          await tx.insertInto('job_events').values({ job_id, seq_no: 1, event: 'QUEUED' }).execute();
        });
    })();
    const before = Number(
      (
        await results
          .selectFrom('jobs')
          .select((eb) => eb.fn.countAll().as('n'))
          .executeTakeFirstOrThrow()
      ).n,
    );
    const { rows } = await exportOrganization(platform, { orgId, to: archiveOf('busy'), actor });
    isOver = true;
    await writing;
    expect(rows['results.jobs']).toBe(rows['results.job_events']);
    expect(rows['results.jobs']).toBeGreaterThanOrEqual(before);
  });

  test('is refused where its organization is', async () => {
    for (const placement of ['database', 'schema'] as const) {
      const failing = restoreOrganization(platform, { from, placement, cluster: 'main', actor });
      await expect(failing).rejects.toThrow(/^organization .* already exists; .* offboard it first$/);
    }
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'active', state: 'ready' });
  });

  test('that is not there is told by its path', async () => {
    await expect(restore(join(folder, 'none.tar.gz'))).rejects.toThrow(ArchivePathError);
    await expect(restore('none.tar.gz')).rejects.toThrow(
      /^the archive none\.tar\.gz cannot be read: there is no such file/,
    );
    await expect(restore(folder)).rejects.toThrow(/cannot be read: it is a folder/);
  });

  const lineOf = (pieces: Piece[], table: string, change: (row: Record<string, unknown>) => void) => {
    const piece = pieces.find(({ name }) => name.includes(`/${table}/`));
    if (!piece) throw new RangeError(`no part of ${table}`);
    const rows = piece.content
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    change(rows[0]);
    piece.content = Buffer.from(`${rows.map((row) => JSON.stringify(row)).join('\n')}\n`);
  };
  const rename = (pieces: Piece[], name: string, to: string) => {
    for (const piece of pieces) if (piece.name.includes(name)) piece.name = piece.name.replace(name, to);
  };
  const manifest = (pieces: Piece[], change: (told: ArchiveManifest) => void) => {
    const piece = pieces.at(-1);
    if (!piece) return;
    const told = JSON.parse(piece.content.toString());
    change(told);
    piece.content = Buffer.from(JSON.stringify(told));
  };

  const HOSTILE: Readonly<Record<string, (pieces: Piece[]) => unknown>> = {
    'a path out of the archive': (pieces) => rename(pieces, 'metadata/roles/', '../../etc/'),
    'an absolute path': (pieces) => rename(pieces, 'metadata/roles/', '/etc/'),
    'a file under a wrong digest': (pieces) => {
      const file = pieces.find(({ name }) => name.startsWith('files/'));
      if (file) file.name = `files/${'0'.repeat(64)}`;
    },
    'a row of another organization': (pieces) =>
      lineOf(pieces, 'molecules', (row) => {
        row.org_id = newId();
      }),
    'a permission for a role of another organization': (pieces) =>
      lineOf(pieces, 'role_permissions', (row) => {
        row.role_id = newId();
      }),
    'a member who is not told of': (pieces) =>
      lineOf(pieces, 'memberships', (row) => {
        row.user_id = newId();
      }),
    'a column that does not exist': (pieces) =>
      lineOf(pieces, 'roles', (row) => {
        row['name") values (1); drop table users; --'] = 1;
      }),
    'a table that does not exist': (pieces) => rename(pieces, 'metadata/roles/', 'metadata/users/'),
    'a table that is not restored': (pieces) => rename(pieces, 'metadata/molecules/', 'metadata/tokens/'),
    'a table of the Results DB that does not exist': (pieces) =>
      rename(pieces, 'results/task_logs/', 'results/task_logz/'),
    'the stamp of another organization': (pieces) => rename(pieces, 'results/task_logs/', 'results/results_database/'),
    'an output of a job that is not there': (pieces) =>
      lineOf(pieces, 'job_outputs', (row) => {
        row.job_id = newId();
      }),
    'a number that is none': (pieces) =>
      lineOf(pieces, 'docking_results', (row) => {
        row.affinity = 'NaN';
      }),
    'a type that is another': (pieces) =>
      lineOf(pieces, 'jobs', (row) => {
        row.created_at = 'no time';
      }),
    'two rows in one line': (pieces) => {
      const piece = pieces.find(({ name }) => name.includes('/roles/'));
      if (piece) piece.content = Buffer.from(piece.content.toString().replace('}\n{', '},{'));
    },
    'fewer rows than told': (pieces) =>
      manifest(pieces, (told) => {
        for (const part of told.parts) part.rows = 9;
      }),
    'a counter that does not exist': (pieces) =>
      manifest(pieces, (told) => {
        for (const sequence of told.sequences) sequence.column = "fence'; drop";
      }),
    'a version of another time': (pieces) =>
      manifest(pieces, (told) => {
        told.schema_versions.results = '9999_later';
      }),
    'a manifest with more than it should have': (pieces) =>
      manifest(pieces, (told) => {
        Object.assign(told, { evil: 1 });
      }),
    'no manifest': (pieces) => pieces.slice(0, -1),
    'something behind the manifest': (pieces) => [...pieces, { name: 'manifest.json', content: Buffer.from('{}') }],
    'parts that come twice': (pieces) => [...pieces.filter(({ name }) => name.includes('/roles/')), ...pieces],
  };

  async function expectNothing(): Promise<void> {
    expect(await readStatus(other, orgId)).toBeUndefined();
    expect(await listPlaces(other, orgId)).toEqual([]);
    const users = await inAllOrganizations(other.metadata, (tx) =>
      tx.selectFrom('users').selectAll().where('email', '=', email).execute(),
    );
    expect(users).toEqual([]);
    expect(await Array.fromAsync(other.artifacts.list(orgId))).toEqual([]);
  }

  test.each(Object.keys(HOSTILE))('with %s is refused and leaves nothing', async (what) => {
    const path = archiveOf('hostile');
    await repackArchive(from, path, (pieces) => HOSTILE[what]?.(pieces));
    await expect(restore(path)).rejects.toThrow(ArchiveRefusedError);
    await expectNothing();
  });

  const BROKEN: Readonly<Record<string, (whole: Buffer, tar: Buffer) => Buffer>> = {
    'that is cut off': (whole) => whole.subarray(0, whole.length / 2),
    'with a byte changed': (_, tar) => {
      tar[tar.indexOf('imatinib')] = 73;
      return gzipSync(tar);
    },
    'that is no archive': () => Buffer.from('hello'),
    'with a link': (_, tar) => {
      tar[156] = '2'.charCodeAt(0);
      return gzipSync(tar);
    },
    'whose header lies about its length': (_, tar) => {
      const header = tarHeaderOf(tar, 0o77777777777);
      return gzipSync(Buffer.concat([header, tar.subarray(512)]));
    },
    'that unpacks to more than it may': () => gzipSync(Buffer.alloc(60_000_000)),
  };

  test.each(Object.keys(BROKEN))('%s is refused and leaves nothing', async (what) => {
    const path = archiveOf('broken');
    const tar = packTar(await unpackArchive(from));
    await writeFile(path, BROKEN[what]?.(await readFile(from), tar) ?? '');
    await expect(restore(path)).rejects.toThrow(ArchiveRefusedError);
    await expectNothing();
  });

  test.each(['database', 'results', 'activate'] as const)(
    'whose restoring fails before the step %s leaves nothing',
    async (step) => {
      const onStep = (reached: string) => {
        if (reached === step) throw new RangeError('no');
      };
      const failing = restoreOrganization({ ...other, onStep }, { from, placement: 'schema', cluster: 'main', actor });
      await expect(failing).rejects.toThrow('no');
      await expectNothing();
    },
  );

  test('is restored on another platform after a killed call, to the people there', async () => {
    const { user_id } = await inAllOrganizations(other.metadata, (tx) =>
      insertUser(tx, { email: email.toUpperCase() }),
    );
    const request = { from, placement: 'database', cluster: 'main', actor } as const;
    const storeFolder = join(folder, 'of-the-other');
    const killed = { what: 'restore', step: 'activate', url: other.url, folder: storeFolder, request };
    await runAndDie('./offboard-and-die.ts', killed);
    expect(await readStatus(other, orgId)).toMatchObject({ status: 'suspended', state: 'provisioning' });
    await expect(withResults(other, orgId, async () => {})).rejects.toThrow(OrganizationInactiveError);
    await expect(reactivateOrganization(other, { orgId, actor })).rejects.toThrow(OrganizationStateError);
    const back = await restoreOrganization(other, { ...request, name: 'Archived elsewhere' });
    expect(back.usersMade).toBe(0);
    expect((await findCaller(other.metadata, { orgId, userId: user_id }))?.permissions.size).toBeGreaterThan(10);
    const jobs = await inAllOrganizations(other.metadata, (tx) =>
      tx.selectFrom('jobs_meta').select('submitted_by').where('org_id', '=', orgId).execute(),
    );
    expect(jobs).toEqual(Array.from({ length: 3 }, () => ({ submitted_by: user_id })));
  });
});

/** Tables of the Metadata DB with a row in which this id stands anywhere. */
async function listTablesNaming(orgId: string): Promise<readonly string[]> {
  return inAllOrganizations(platform.metadata, async (tx) => {
    const found: string[] = [];
    for (const table of await listTables(tx)) {
      const { rows } =
        await sql`select from ${sql.id(table)} r where to_jsonb(r)::text like ${`%${orgId}%`} limit 1`.execute(tx);
      if (rows.length > 0) found.push(table);
    }
    return found;
  });
}

async function listTables(tx: QueryExecutorProvider): Promise<readonly string[]> {
  const { rows } = await sql<{ name: string }>`select tablename as name from pg_tables
    where schemaname = 'public' and tablename <> 'mad_metadata_migrations' order by 1`.execute(tx);
  return rows.map(({ name }) => name);
}

test('every table of the Metadata DB is in an archive, or left out on purpose', async () => {
  const leftOut = [
    // In the manifest, by e-mail, or to be read only.
    ...['organizations', 'users', 'audit_logs'],
    // Secrets, and what belongs to the platform.
    ...['tokens', 'invitations', 'sign_in_attempts', 'identities', 'identity_providers'],
    ...['org_databases', 'audit_chains', 'task_services', 'admitted_jobs', 'warm_databases'],
    ...['fleet_migrations', 'fleet_migration_organizations'],
  ];
  const known = [...METADATA_PARTS.map(({ table }) => table), ...leftOut].sort();
  expect(await inAllOrganizations(platform.metadata, listTables)).toEqual(known);
});

describe('offboarding', () => {
  test.each(['fence', 'export', 'revoke', 'drop', 'files', 'rows'] as const)(
    'killed before the step %s, the same call ends it, and the archive is whole',
    async (step) => {
      const name = `Leaves before ${step}`;
      const { orgId } = await provisionFilled(platform, { name, placement: 'database' });
      const before = await readAll(platform, orgId);
      const request = { orgId, exportTo: archiveOf(name), actor };
      const storeFolder = join(folder, 'files');
      await runAndDie('./offboard-and-die.ts', {
        what: 'offboard',
        step,
        url: platform.url,
        folder: storeFolder,
        request,
      });
      expect(await readStatus(platform, orgId)).toMatchObject({ status: 'deleting' });
      await offboardOrganization(platform, request);
      expect(await readStatus(platform, orgId)).toMatchObject({ status: 'deleted', state: 'deleted' });
      expect(await listPlaces(platform, orgId)).toEqual([]);
      expect(await Array.fromAsync(artifacts.list(orgId))).toEqual([]);
      await restoreOrganization(platform, { from: archiveOf(name), placement: 'schema', cluster: 'main', actor });
      expect(await readAll(platform, orgId)).toEqual(before);
    },
  );

  test('nothing is destroyed where the export fails, and the organization can come back', async () => {
    const { orgId } = await provisionFilled(platform, { name: 'Stays', placement: 'schema' });
    const before = await readAll(platform, orgId);
    const broken: ArtifactStore = {
      ...artifacts,
      list: async function* () {
        yield* artifacts.list(orgId);
        throw new RangeError('the disk is gone');
      },
    };
    const request = { orgId, exportTo: archiveOf('stays'), actor };
    const leaving = offboardOrganization({ ...platform, artifacts: broken }, request);
    await expect(leaving).rejects.toThrow(OffboardingFailedError);
    await reactivateOrganization(platform, { orgId, actor });
    expect(await readAll(platform, orgId)).toEqual(before);
    await withResults(platform, orgId, (results) =>
      results.insertInto('pipeline_specs').values({ spec_digest: newId(), spec: {} }).execute(),
    );
  });

  test.each([
    [
      'a folder that is not there',
      () => join(folder, 'no', 'x.tar.gz'),
      /no\/x\.tar\.gz cannot be written: there is no folder/,
    ],
    ['a file in place of the folder', () => join(import.meta.filename, 'x'), /cannot be written: .* is no folder/],
    ['a folder in place of the file', () => folder, /cannot be written: it is a folder/],
  ])('nothing begins where the archive is to be %s', async (what, to, message) => {
    const { orgId } = await provisionFilled(platform, { name: `Stays for ${what}`, placement: 'schema' });
    for (const call of [
      () => offboardOrganization(platform, { orgId, exportTo: to(), actor }),
      () => exportOrganization(platform, { orgId, to: to(), actor }),
    ]) {
      const error: unknown = await call().catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ArchivePathError);
      expect(error).toMatchObject({ message: expect.stringMatching(message), retryable: false });
    }
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'active', state: 'ready', transition: null });
  });

  const addTable = (schema: string) => sql`create table ${sql.id(schema, 'notes')} (note text)`;
  const addMigration = (schema: string) =>
    sql`insert into ${sql.id(schema, 'mad_results_migrations')} (name) values ('9001_own')`;
  test.each([
    ['table', addTable, { tables: ['notes'], migrations: [] }],
    ['migration', addMigration, { tables: [], migrations: ['9001_own'] }],
  ] as const)(
    'nothing begins for an organization with a %s of the host, which an archive could not bring back',
    async (what, add, details) => {
      const { orgId } = await provisionFilled(platform, { name: `With a ${what} of its own`, placement: 'schema' });
      await add(`mad_results_${orgId.replaceAll('-', '')}`).execute(platform.metadata);
      const to = archiveOf(`own ${what}`);
      for (const call of [
        () => exportOrganization(platform, { orgId, to, actor }),
        () => offboardOrganization(platform, { orgId, exportTo: to, actor }),
        () => moveOrganization(platform, { orgId, to: { placement: 'database', cluster: 'main' }, actor }),
      ]) {
        const error: unknown = await call().catch((thrown: unknown) => thrown);
        expect(error).toBeInstanceOf(ResultsDatabaseExtendedError);
        expect(error).toMatchObject({ retryable: false, details });
      }
      expect(await readStatus(platform, orgId)).toMatchObject({ status: 'active', state: 'ready', transition: null });
      expect((await readdir(folder)).filter((file) => file.includes(`own-${what}`))).toEqual([]);
      await offboardOrganization(platform, { orgId, exportTo: false, actor });
    },
  );

  test('an actor who is nobody is told so, and nothing is done', async () => {
    const { orgId } = await provisionFilled(platform, { name: 'Of nobody', placement: 'schema' });
    const nobody = newId();
    const to = archiveOf('of nobody');
    for (const call of [
      () => suspendOrganization(platform, { orgId, actor: nobody }),
      () => exportOrganization(platform, { orgId, to, actor: nobody }),
      () => offboardOrganization(platform, { orgId, exportTo: to, actor: nobody }),
    ])
      await expect(call()).rejects.toThrow(`actor ${nobody} is no user of this platform`);
    expect(await readStatus(platform, orgId)).toMatchObject({ status: 'active', state: 'ready', transition: null });
    expect(await readdir(folder)).not.toContain('of-nobody.tar.gz');
  });

  test('what an archive of before files were counted holds is counted when it is restored', async () => {
    const { orgId } = await provisionFilled(platform, { name: 'Older', placement: 'schema' });
    const [to, from] = [archiveOf('newer'), archiveOf('older')];
    await offboardOrganization(platform, { orgId, exportTo: to, actor });
    await repackArchive(to, from, (pieces) => pieces.filter(({ name }) => !/stored_files|storage_usage/.test(name)));
    await restoreOrganization(platform, { from, placement: 'schema', cluster: 'main', actor });
    expect(await withResults(platform, orgId, readStoredBytes)).toBe(12);
  });

  test('what unfinished uploads left goes too', async () => {
    const { orgId } = await provisionFilled(platform, { name: 'Uploads', placement: 'schema' });
    const left = join(folder, 'files', orgId, 'incoming');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, newId()), 'half a file');
    expect(await offboardOrganization(platform, { orgId, exportTo: false, actor })).toMatchObject({ filesDeleted: 2 });
    expect(await readdir(join(folder, 'files'))).not.toContain(orgId);
  });

  test('only files of this organization go', async () => {
    const [gone, kept] = [
      await provisionFilled(platform, { name: 'Goes', placement: 'schema' }),
      await provisionFilled(platform, { name: 'Is kept', placement: 'schema' }),
    ];
    const before = await readAll(platform, kept.orgId);
    await offboardOrganization(platform, { orgId: gone.orgId, exportTo: false, actor });
    expect(await Array.fromAsync(artifacts.list(kept.orgId))).toHaveLength(2);
    expect(await readAll(platform, kept.orgId)).toEqual(before);
    expect(await listTablesNaming(gone.orgId)).toEqual([
      'audit_chains',
      'audit_logs',
      'org_databases',
      'organizations',
    ]);
    await expect(reactivateOrganization(platform, { orgId: gone.orgId, actor })).rejects.toThrow(
      OrganizationStateError,
    );
  });
});

function tarHeaderOf(tar: Buffer, sizeBytes: number): Buffer {
  const name = tar.toString('latin1', 0, 100).replace(/\0.*$/s, '');
  const header = Buffer.from(packTar([{ name, content: Buffer.alloc(0) }]).subarray(0, 512));
  header.write(`${sizeBytes.toString(8)}\0`, 124, 'latin1');
  header.write('        ', 148, 'latin1');
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
  return header;
}
