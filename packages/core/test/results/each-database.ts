import { createPgliteDatabase, createPostgresDatabase } from '@mad/testkit';
import type { Kysely } from 'kysely';
import { afterAll, beforeAll, describe } from 'vitest';
import { newId } from '../../src/ids.ts';
import { findSqlState } from '../../src/postgres/sqlstate.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { migrateResults } from '../../src/results/results-track.ts';

export const SCHEMA = 'org_under_test';

/** A real server's Results DB, in a schema that is not on any search_path. */
export const resultsTemplate = {
  name: 'core_results',
  fill: (db: Kysely<unknown>) => migrateResults(db, { schema: SCHEMA }),
};

/** Runs the same tests on PGlite and on a real server, each with a migrated and unstamped Results DB. */
export function describeOnEachDatabase(tests: (results: () => ResultsDatabase) => void): void {
  const databases = [
    {
      name: 'PGlite',
      create: async () => {
        const database = createPgliteDatabase();
        await migrateResults(database.db, { schema: SCHEMA });
        return database;
      },
    },
    { name: 'PostgreSQL', create: () => createPostgresDatabase(resultsTemplate) },
  ];
  describe.each(databases)('on $name', ({ create }) => {
    let database: AsyncDisposable & { readonly db: Kysely<unknown> };
    beforeAll(async () => {
      database = await create();
    });
    afterAll(() => database[Symbol.asyncDispose]());
    tests(() => openResultsDatabase(database.db, { schema: SCHEMA }));
  });
}

/** A job that was just submitted. */
export async function insertTestJob(
  db: ResultsDatabase,
  columns: { readonly [column: string]: unknown } = {},
): Promise<string> {
  const { job_id } = await db
    .insertInto('jobs')
    .values({ job_id: newId(), pipeline_version: 'dock@1.0.0', ...columns })
    .returning('job_id')
    .executeTakeFirstOrThrow();
  return job_id;
}

/** The SQLSTATE with which the database refuses, or 'accepted'. */
export async function verdict(write: { execute(): Promise<unknown> } | Promise<unknown>): Promise<string> {
  return ('execute' in write ? write.execute() : write).then(
    () => 'accepted',
    (error: unknown) => findSqlState(error) ?? Promise.reject(error),
  );
}
