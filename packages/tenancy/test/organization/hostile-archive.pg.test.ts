import { createHash } from 'node:crypto';
import { renameSync } from 'node:fs';
import { copyFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  type ArtifactStore,
  createLocalArtifactStore,
  inAllOrganizations,
  insertUser,
  type MetadataDatabase,
  newId,
  SYSTEM_ORG_ID,
  ValidationFailedError,
} from '@mad/core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ArchiveManifest } from '../../src/archive/archive-manifest.ts';
import { ArchiveRefusedError, exportOrganization, offboardOrganization, restoreOrganization } from '../../src/index.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore, provisionFilled } from './archived-organization.ts';
import { runAndDie } from './die.ts';
import { type Piece, packTar, repackArchive, unpackArchive } from './repack-archive.ts';

type Row = Record<string, unknown>;

let folder: string;
let platform: PostgresPlatform & { artifacts: ArtifactStore };
let other: PostgresPlatform & { artifacts: ArtifactStore };
let orgId: string;
let email: string;
let from: string;
beforeAll(async () => {
  const store = await createStore();
  ({ folder } = store);
  const { artifacts } = store;
  platform = { ...(await createPostgresPlatform()), artifacts };
  const elsewhere = createLocalArtifactStore({ folder: join(folder, 'of-the-other') });
  other = { ...(await createPostgresPlatform()), artifacts: elsewhere };
  ({ orgId, email } = await provisionFilled(platform, { name: 'Archived', placement: 'schema' }));
  from = join(folder, 'archive.tar.gz');
  await exportOrganization(platform, { orgId, to: from, actor: null });
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await other[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const hostile = () => join(folder, 'hostile.tar.gz');
const to = { placement: 'schema', cluster: 'main', actor: null } as const;

/** Restores where nothing can be written: whatever is asked of a database or a store is a TypeError. */
const restoreNowhere = () =>
  restoreOrganization(
    { ...other, metadata: {} as MetadataDatabase, artifacts: {} as ArtifactStore },
    { ...to, from: hostile() },
  );

function edit(pieces: Piece[], part: string, change: (row: Row) => void): void {
  const piece = pieces.find(({ name }) => name.startsWith(`${part}/`));
  if (piece === undefined) throw new RangeError(`no part ${part}`);
  const lines = piece.content.toString().trimEnd().split('\n');
  const row = JSON.parse(lines[0] ?? '');
  change(row);
  piece.content = Buffer.from(`${[JSON.stringify(row), ...lines.slice(1)].join('\n')}\n`);
}

const editManifest = (pieces: Piece[], change: (told: ArchiveManifest) => void): void => {
  const piece = pieces.at(-1);
  if (piece === undefined) return;
  const told = JSON.parse(piece.content.toString());
  change(told);
  piece.content = Buffer.from(JSON.stringify(told));
};

const foreign = () => `mad://org/${newId()}/artifacts/${'a'.repeat(64)}`;

const NIL = '00000000-0000-0000-0000-000000000000';
const MAX = 'ffffffff-ffff-ffff-ffff-ffffffffffff';

const ROWS: readonly (readonly [string, string, Row])[] = [
  [
    'a permission that nobody in an organization holds',
    'metadata/role_permissions',
    { permission: 'org.quota.update' },
  ],
  ['a permission that does not exist', 'metadata/role_permissions', { permission: 'no.such.permission' }],
  ['a task of the system', 'metadata/task_definitions', { is_system: true }],
  ['a template of the system', 'metadata/pipeline_templates', { is_system: true }],
  ['a schedule without a clock', 'metadata/job_schedules', { cron: 'not a cron' }],
  ['a schedule in no time zone', 'metadata/job_schedules', { timezone: 'Nowhere/At_All' }],
  ["a molecule that is another organization's file", 'metadata/molecules', { uri: foreign() }],
  ["an artifact that is another organization's file", 'metadata/artifacts', { uri: foreign() }],
  ["an output that is another organization's file", 'results/job_outputs', { uri: foreign() }],
  ['a fence that nobody counts to', 'results/jobs', { fence: 9e18 }],
  ['a fence that is a text', 'results/jobs', { fence: '9223372036854775807' }],
  ['a time without end', 'results/jobs', { created_at: 'infinity' }],
  ['a deadline without end', 'results/jobs', { deadline: '-infinity' }],
  ['the id of no role', 'metadata/roles', { role_id: NIL }],
  ['the id of no organization', 'metadata/roles', { org_id: `{${NIL.replaceAll('-', '')}}` }],
  ['no author', 'metadata/task_definitions', { created_by: NIL }],
  ['the largest id', 'metadata/pipelines', { pipeline_id: MAX.toUpperCase() }],
  ['the id of no job', 'results/jobs', { job_id: NIL }],
  ['a fork of no job', 'results/jobs', { forked_from: MAX }],
  ['a member of no id', 'metadata/members', { user_id: NIL }],
  ['an address that is not ASCII', 'metadata/members', { email: 'dİvisivity@example.org' }],
];

describe('before anything is written an archive is refused, and its line named,', () => {
  test.each(ROWS)('with %s', async (_, part, change) => {
    await repackArchive(from, hostile(), (pieces) => edit(pieces, part, (row) => void Object.assign(row, change)));
    const error = await restoreNowhere().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ArchiveRefusedError);
    expect(error).toMatchObject({ details: { at: `${part}/000001.ndjson line 1` } });
  });

  const MANIFESTS: Readonly<Record<string, (told: Row & { organization: Row }) => void>> = {
    'quotas that are none': ({ organization }) => {
      organization.quotas = { max_jobs_per_month: 'many', anything: { goes: true } };
    },
    'a time without end': ({ organization }) => {
      organization.created_at = 'infinity';
    },
    'an id in capitals': (told) => {
      told.org_id = orgId.toUpperCase();
    },
  };
  test.each(Object.keys(MANIFESTS))('with %s in its manifest', async (what) => {
    await repackArchive(from, hostile(), (pieces) =>
      editManifest(pieces, (told) => MANIFESTS[what]?.(told as unknown as Row & { organization: Row })),
    );
    await expect(restoreNowhere()).rejects.toThrow(ArchiveRefusedError);
  });

  test.each([NIL, MAX])('with %s for its organization', async (id) => {
    await repackArchive(from, hostile(), (pieces) =>
      editManifest(pieces, (told) => void Object.assign(told, { org_id: id })),
    );
    await expect(restoreNowhere()).rejects.toMatchObject({ details: { at: 'manifest.json /org_id' } });
  });

  test('with an id of another organization in its manifest', async () => {
    await repackArchive(from, hostile(), (pieces) =>
      editManifest(pieces, (told) => void Object.assign(told, { org_id: newId() })),
    );
    await expect(restoreNowhere()).rejects.toThrow('it names a file of another organization');
  });

  test.each(['constructor', 'tostring', 'valueof'])('with a table named %s, in words', async (table) => {
    await repackArchive(from, hostile(), (pieces) => {
      pieces.splice(1, 0, { name: `metadata/${table}/000001.ndjson`, content: Buffer.from('{"a":1}\n') });
    });
    const failing = restoreOrganization(other, { ...to, from: hostile() });
    await expect(failing).rejects.toThrow('no table of this name is restored');
  });

  const PARTS: Readonly<Record<string, readonly [() => Buffer, RegExp]>> = {
    'nothing but line ends': [() => Buffer.alloc(20_000_000, '\n'), /its line 1 is no row/],
    'more rows than a part holds': [
      () => Buffer.from(`{"a":"${'x'.repeat(90)}"}\n`.repeat(50_000)),
      /where a part ends/,
    ],
    'a short text of many values': [
      () => Buffer.from(`{"a":[${'[],'.repeat(4_100_000)}0]}\n`),
      /more than 4000000 values/,
    ],
  };
  test.each(Object.keys(PARTS))('with a part that is %s', async (what) => {
    const [content, reason] = PARTS[what] ?? [];
    const pieces = await unpackArchive(from);
    const roles = pieces.find(({ name }) => name.startsWith('metadata/roles/'));
    if (roles && content) roles.content = content();
    await writeFile(hostile(), gzipSync(packTar(pieces)));
    await expect(restoreNowhere()).rejects.toThrow(reason);
  });
});

const EXCHANGED: Readonly<Record<string, (pieces: Piece[]) => unknown>> = {
  'without its files': (pieces) => pieces.filter(({ name }) => !name.startsWith('files/')),
  'without one file': (pieces) => pieces.toSpliced(-2, 1),
  'with a file of the same length': (pieces) => {
    const content = Buffer.from('another file');
    const digest = createHash('sha256').update(content).digest('hex');
    return pieces.map((piece) =>
      piece.content.toString() === 'a small file' ? { name: `files/${digest}`, content } : piece,
    );
  },
  'without its audit trail': (pieces) => pieces.filter(({ name }) => !name.startsWith('metadata/audit_logs/')),
};

test.each(Object.keys(EXCHANGED))('exchanged after it was verified for one %s, it leaves nothing', async (what) => {
  const [path, exchanged] = [join(folder, 'verified.tar.gz'), join(folder, 'exchanged.tar.gz')];
  await copyFile(from, path);
  await repackArchive(from, exchanged, (pieces) => EXCHANGED[what]?.(pieces));
  const onStep = (step: string) => {
    if (step === 'database') renameSync(exchanged, path);
  };
  const failing = restoreOrganization({ ...other, onStep }, { ...to, from: path });
  await expect(failing).rejects.toThrow(/it has changed since it was verified; nothing of it was restored/);
  expect(await Array.fromAsync(other.artifacts.list(orgId))).toEqual([]);
  const left = await inAllOrganizations(other.metadata, (tx) =>
    tx.selectFrom('organizations').select('org_id').where('org_id', '=', orgId).execute(),
  );
  expect(left).toEqual([]);
});

test('a path that no file system takes is refused by name', async () => {
  const path = join(folder, 'a\0b');
  for (const call of [
    () => restoreOrganization(other, { ...to, from: path }),
    () => exportOrganization(platform, { orgId, to: path, actor: null }),
    () => offboardOrganization(platform, { orgId, exportTo: path, actor: null }),
  ])
    await expect(call()).rejects.toThrow(ValidationFailedError);
});

const users = () =>
  inAllOrganizations(other.metadata, (tx) => tx.selectFrom('users').select(['email', 'enabled']).execute());

test('a template comes back for the organization alone, and no account is disabled that is not its own', async () => {
  await repackArchive(from, hostile(), (pieces) => {
    edit(pieces, 'metadata/pipeline_templates', (row) => {
      row.is_public = true;
    });
    const members = pieces.find(({ name }) => name.startsWith('metadata/members/'));
    const stranger = { user_id: newId(), email: 'ceo@bigcorp.example', enabled: false };
    const here = { user_id: newId(), email: 'here@example.org', enabled: true };
    if (members)
      members.content = Buffer.concat([
        members.content,
        Buffer.from(`${JSON.stringify(stranger)}\n${JSON.stringify(here)}\n`),
      ]);
  });
  await inAllOrganizations(other.metadata, (tx) => insertUser(tx, { email: 'here@example.org', enabled: false }));
  const { orgId: restored } = await restoreOrganization(other, { ...to, from: hostile() });
  expect(await users()).toEqual(
    expect.arrayContaining([
      { email: 'ceo@bigcorp.example', enabled: true },
      { email: 'here@example.org', enabled: false },
    ]),
  );
  const templates = await inAllOrganizations(other.metadata, (tx) =>
    tx.selectFrom('pipeline_templates').select('is_public').where('org_id', '=', restored).execute(),
  );
  expect(templates).toEqual([{ is_public: false }]);
});

test('what a killed restore has made goes with the next one that comes to nothing', async () => {
  await using third = await createPostgresPlatform();
  const storeFolder = join(folder, 'of-the-third');
  const context = { ...third, artifacts: createLocalArtifactStore({ folder: storeFolder }) };
  const request = { ...to, from };
  await runAndDie('./offboard-and-die.ts', {
    ...{ what: 'restore', step: 'activate', url: third.url, folder: storeFolder, request },
  });
  const made = () =>
    inAllOrganizations(third.metadata, (tx) =>
      tx.selectFrom('users').select('email').where('email', '=', email).execute(),
    );
  expect(await made()).toHaveLength(1);
  expect(await Array.fromAsync(context.artifacts.list(orgId))).toHaveLength(2);
  const onStep = () => {
    throw new RangeError('no');
  };
  // The server may not have noticed yet that the one who held the organization is dead.
  await expect
    .poll(() => restoreOrganization({ ...context, onStep }, request).catch(String), { timeout: 10_000 })
    .toContain('no');
  expect(await made()).toEqual([]);
  expect(await Array.fromAsync(context.artifacts.list(orgId))).toEqual([]);
  const left = await inAllOrganizations(third.metadata, (tx) =>
    tx.selectFrom('organizations').select('org_id').where('org_id', '!=', SYSTEM_ORG_ID).execute(),
  );
  expect(left).toEqual([]);
});
