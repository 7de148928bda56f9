import { newId, silentLogger } from '@mad/core';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { ensureDatabase } from '../../src/results-database/ensure-results-database.ts';
import { placeResultsDatabase } from '../../src/results-database/results-database-place.ts';
import { createPostgresPlatform } from '../create-postgres-platform.ts';

test('of a login whose first databases are wanted from two default databases at once there is one template, and nobody can connect to it', async () => {
  await using one = await createPostgresPlatform();
  await using two = await createPostgresPlatform();
  const login = `plain_${newId().replaceAll('-', '')}`;
  await sql`create role ${sql.id(login)} login createdb`.execute(one.metadata);
  const owned = sql<{ name: string; template: boolean; open: boolean }>`
    select datname as name, datistemplate as template, datallowconn as open from pg_database
    where datdba = (select oid from pg_roles where rolname = ${login}) order by datname`;
  try {
    const places = Array.from({ length: 6 }, () =>
      placeResultsDatabase({ orgId: newId(), placement: 'database', cluster: 'main' }),
    );
    await Promise.all(
      places.map((place, nth) => {
        const connectionString = (nth % 2 ? one : two).url.replace(/\/\/[^@]*@/, `//${login}@`);
        const connect = (database?: string) => ({
          connectionString:
            database === undefined ? connectionString : connectionString.replace(/mad_test_\w+/, database),
        });
        return ensureDatabase(place, { clusters: { main: { kind: 'postgres', connect } }, logger: silentLogger });
      }),
    );
    const { rows } = await owned.execute(one.metadata);
    expect(rows.filter(({ template }) => !template).map(({ name }) => name)).toEqual(
      places.map(({ database }) => database ?? '').toSorted(),
    );
    expect(rows.filter(({ template }) => template)).toEqual([
      { name: expect.stringMatching(/^mad_template_[0-9a-f]{32}$/), template: true, open: false },
    ]);
  } finally {
    for (const { name } of (await owned.execute(one.metadata)).rows) {
      await sql`alter database ${sql.id(name)} with is_template false`.execute(one.metadata);
      await sql`drop database ${sql.id(name)} with (force)`.execute(one.metadata);
    }
    await sql`drop role ${sql.id(login)}`.execute(one.metadata);
  }
});
