import { newId, silentLogger } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { ensureDatabase } from '../../src/results-database/ensure-results-database.ts';
import { placeResultsDatabase } from '../../src/results-database/results-database-place.ts';
import { createPostgresPlatform, type PostgresPlatform } from '../create-postgres-platform.ts';

let platform: PostgresPlatform;
beforeAll(async () => {
  platform = await createPostgresPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

test('a database that several calls make at once is made once', async () => {
  const place = placeResultsDatabase({ orgId: newId(), placement: 'database', cluster: 'main' });
  const name = place.database ?? '';
  onTestFinished(async () => void (await sql`drop database ${sql.id(name)}`.execute(platform.metadata)));
  const surroundings = { clusters: platform.clusters, logger: silentLogger };
  await Promise.all(Array.from({ length: 5 }, () => ensureDatabase(place, surroundings)));
  await ensureDatabase(place, surroundings);
  expect((await sql`select from pg_database where datname = ${name}`.execute(platform.metadata)).rows).toHaveLength(1);
});
