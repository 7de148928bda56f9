import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type ArtifactStore, isMadError, type Logger, newId, silentLogger } from '@mad/core';
import { sql } from 'kysely';
import type { ClientConfig } from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import {
  exportOrganization,
  MoveFailedError,
  moveOrganization,
  provisionOrganization,
  ResultsDatabaseUnreachableError,
} from '../../src/index.ts';
import { inClusterDatabase } from '../../src/results-database/in-cluster-database.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';
import { createStore } from './archived-organization.ts';

const SECRET = 'hunter2';

let folder: string;
let platform: PostgresPlatform & { artifacts: ArtifactStore };
beforeAll(async () => {
  const store = await createStore();
  ({ folder } = store);
  platform = { ...(await createPostgresPlatform()), artifacts: store.artifacts };
});
afterAll(async () => {
  await platform[Symbol.asyncDispose]();
  await rm(folder, { recursive: true });
});

const FAILURES: Readonly<Record<string, () => ClientConfig>> = {
  'a host that throws': () => {
    throw new TypeError(`the vault says no for ${SECRET}`);
  },
  'a host that throws what has a code': () => {
    throw Object.assign(new TypeError(`the vault says no for ${SECRET}`), { code: 'EPERM' });
  },
  'a server that refuses': () => ({ host: '127.0.0.1', port: 1, user: 'u', password: SECRET, database: 'd' }),
};

/** The platform with a cluster that fails from this connection on. */
function failingFrom(connection: number, fail: () => ClientConfig) {
  const { main } = platform.clusters;
  if (main?.kind !== 'postgres') throw new RangeError('no server');
  let asked = 0;
  const connect = (database?: string) => (++asked >= connection ? fail() : main.connect(database));
  return { ...platform, clusters: { main: { kind: 'postgres', connect } as const } };
}

const provision = async () => {
  const { orgId } = await provisionOrganization(platform, {
    ...{ name: `Cut off ${newId()}`, placement: 'schema', cluster: 'main' },
  });
  return orgId;
};

/** What a caller and a log are told, without causes. */
const toldOf = (error: unknown) => (isMadError(error) ? JSON.stringify([error.message, error.details]) : String(error));

test.each(Object.keys(FAILURES))('%s is told as a cluster that cannot be reached, without its words', async (what) => {
  const orgId = await provision();
  const fail = FAILURES[what] ?? (() => ({}));
  const lines: unknown[] = [];
  const log = (fields: object, message: string) => void lines.push([fields, message]);
  const logger: Logger = { debug: log, info: log, warn: log, error: log };
  const to = { placement: 'database', cluster: 'main' } as const;
  const calls = [
    ...[1, 2].map((at) => () => {
      const request = { orgId, to: join(folder, 'a.tar.gz'), actor: null };
      return exportOrganization({ ...failingFrom(at, fail), logger }, request);
    }),
    ...[2, 3].map((at) => () => moveOrganization({ ...failingFrom(at, fail), logger }, { orgId, to, actor: null })),
  ];
  for (const call of calls) {
    const error: unknown = await call().catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ResultsDatabaseUnreachableError);
    expect(error).toMatchObject({ retryable: true, details: { cluster: 'main' } });
    expect(toldOf(error)).not.toContain(SECRET);
  }
  // At its fourth a move has begun, and cannot be taken back without the cluster.
  const stopped: unknown = await moveOrganization(
    { ...failingFrom(4, fail), logger },
    { orgId, to, actor: null },
  ).catch((thrown: unknown) => thrown);
  expect(stopped).toBeInstanceOf(MoveFailedError);
  expect(toldOf(stopped)).not.toContain(SECRET);
  expect(lines).toContainEqual([
    { orgId, reason: ResultsDatabaseUnreachableError.code },
    'a failed move could not be taken back',
  ]);
  expect(await moveOrganization(platform, { orgId, to, actor: null, dropAfterMs: 0 })).toMatchObject({ orgId });
});

test('what a step of the host throws with a code of the system is not told', async () => {
  const orgId = await provision();
  const onStep = () => {
    throw Object.assign(new TypeError(`the vault says no for ${SECRET}`), { code: 'EPERM' });
  };
  const to = { placement: 'database', cluster: 'main' } as const;
  const error: unknown = await moveOrganization({ ...platform, onStep }, { orgId, to, actor: null }).catch(
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(MoveFailedError);
  expect(toldOf(error)).not.toContain(SECRET);
});

test('a database can be renamed as soon as a call in it has returned', async () => {
  const { main } = platform.clusters;
  if (main === undefined) throw new RangeError('no cluster');
  const one = `mad_test_${newId().replaceAll('-', '')}`;
  await sql`create database ${sql.id(one)}`.execute(platform.metadata);
  try {
    const place = { cluster: main, name: 'main', database: one, logger: silentLogger };
    await inClusterDatabase(place, (db) => sql`select 1`.execute(db));
    await sql`alter database ${sql.id(one)} rename to ${sql.id(`${one}_b`)}`.execute(platform.metadata);
  } finally {
    for (const name of [one, `${one}_b`])
      await sql`drop database if exists ${sql.id(name)} with (force)`.execute(platform.metadata);
  }
});
