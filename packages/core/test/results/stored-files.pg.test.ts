import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { newId } from '../../src/ids.ts';
import type { JsonObject, JsonValue } from '../../src/json.ts';
import { applyMigration } from '../../src/postgres/migrate.ts';
import { insertJobs } from '../../src/results/insert-jobs.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { migrateResults, resultsTrack } from '../../src/results/results-track.ts';
import { countStoredFiles, forgetStoredFiles, readStoredBytes } from '../../src/results/stored-file.repository.ts';
import { describeOnEachDatabase, insertTestJob } from './each-database.ts';

const digestOf = (n: number) => n.toString(16).padStart(64, '0');
const fileOf = (n: number, sizeBytes: JsonValue) => ({ $artifact: digestOf(n), contentType: 'text/plain', sizeBytes });

async function insertResult(db: ResultsDatabase, result: JsonObject): Promise<void> {
  const row = { job_id: await insertTestJob(db), task_name: newId(), result_data: result };
  await db.insertInto('task_results').values(row).execute();
}

async function submitWith(db: ResultsDatabase, files: readonly (readonly [number, number])[]): Promise<string> {
  const job_id = newId();
  const inputs = files.map(([n, size_bytes], index) => ({
    ...{ key: `file_${index}`, uri: `mad://${n}`, checksum: digestOf(n), size_bytes },
  }));
  const job = { job_id, pipeline_version: 'dock@1.0.0' };
  await insertJobs(db, { jobs: [{ job, inputs, events: [{ event: 'QUEUED' }] }] });
  return job_id;
}

describeOnEachDatabase((results) => {
  describe('files that jobs were given and made', () => {
    test('are counted once each, by any number of jobs, as inputs, results and outputs', async () => {
      const db = results();
      const before = (await readStoredBytes(db)) ?? Number.NaN;
      const jobId = await submitWith(db, [
        [1, 100],
        [2, 20],
        [2, 20],
      ]);
      await submitWith(db, [[1, 100]]);
      expect(await readStoredBytes(db)).toBe(before + 120);
      await insertResult(db, { ligand: fileOf(3, 3_000), poses: [{ file: fileOf(1, 100) }, { file: fileOf(4, 40) }] });
      const output = { job_id: jobId, key: 'poses', uri: 'mad://3', checksum: digestOf(3), size_bytes: 3_000 };
      await db.insertInto('job_outputs').values(output).execute();
      expect(await readStoredBytes(db)).toBe(before + 3_160);
    });

    test('leave with their deletion, and come back with a job that is given them anew', async () => {
      const db = results();
      const before = (await readStoredBytes(db)) ?? Number.NaN;
      const jobId = await submitWith(db, [
        [11, 500],
        [12, 50],
      ]);
      await db.deleteFrom('jobs').where('job_id', '=', jobId).execute();
      expect(await readStoredBytes(db)).toBe(before + 550);
      await forgetStoredFiles(db, { digests: [digestOf(11), digestOf(99)] });
      await forgetStoredFiles(db, { digests: [] });
      expect(await readStoredBytes(db)).toBe(before + 50);
      await submitWith(db, [[11, 500]]);
      expect(await readStoredBytes(db)).toBe(before + 550);
    });

    test('whatever an answer says, its job is committed', async () => {
      const db = results();
      const before = await readStoredBytes(db);
      const strange = [-1, 1.5, 1e300, 'many', null, { $artifact: digestOf(21) }];
      for (const sizeBytes of strange) await insertResult(db, { file: fileOf(21, sizeBytes) });
      await insertResult(db, { text: JSON.stringify(fileOf(22, 7)), $artifact: 'none', sizeBytes: 5 });
      expect(await readStoredBytes(db)).toBe(before);
      const jobId = await insertTestJob(db);
      const unknown = [{ checksum: 'md5:1', size_bytes: 9 }, { checksum: digestOf(23) }, { size_bytes: 9 }];
      for (const [n, file] of unknown.entries())
        await db
          .insertInto('job_outputs')
          .values({ job_id: jobId, key: `${n}`, uri: 'x', ...file })
          .execute();
      expect(await readStoredBytes(db)).toBe(before);
    });
  });
});

/** A Results DB of the version before files were counted. */
async function migrateBefore(db: Kysely<unknown>, schema: string): Promise<ResultsDatabase> {
  const options = { schema, track: resultsTrack };
  await db.transaction().execute(async (tx) => {
    await sql`create schema ${sql.id(schema)}`.execute(tx);
    const ledger = sql.id(schema, 'mad_results_migrations');
    await sql`create table ${ledger} (name text primary key, applied_at timestamptz not null default now())`.execute(
      tx,
    );
    for (const name of Object.keys(resultsTrack.migrations).filter((name) => name < '0011'))
      await applyMigration(tx, { ...options, name });
  });
  return openResultsDatabase(db, { schema });
}

test('a migration counts what is there, and until then nothing is counted and nothing is refused', async () => {
  await using database = await createPostgresDatabase();
  const schema = `org "old"`;
  const db = await migrateBefore(database.db, schema);
  await submitWith(db, [[1, 100]]);
  const over = await insertTestJob(db, { status: 'COMPLETED', updated_at: new Date('2020-01-01') });
  const result_data = { a: fileOf(2, 20), b: fileOf(1, 100) };
  await db.insertInto('task_results').values({ job_id: over, task_name: 'dock', result_data }).execute();
  expect(await readStoredBytes(db)).toBeUndefined();
  await forgetStoredFiles(db, { digests: [digestOf(1)] });
  expect(await migrateResults(database.db, { schema })).toEqual(['0011_stored_files']);
  expect(await readStoredBytes(db)).toBe(120);
});

test('what is written while a migration counts is counted too', async () => {
  await using database = await createPostgresDatabase();
  const db = await migrateBefore(database.db, 'org_a');
  const job_id = await insertTestJob(db);
  let migrated: Promise<unknown> | undefined;
  await db.transaction().execute(async (tx) => {
    const input = { job_id, key: 'ligand', uri: 'mad://1', checksum: digestOf(1), size_bytes: 100 };
    await tx.insertInto('job_inputs').values(input).execute();
    migrated = migrateResults(database.db, { schema: 'org_a' });
    // It has counted, and waits for this transaction before it puts its triggers on.
    await vi.waitFor(async () => {
      const { rows } =
        await sql`select from pg_locks where not granted and relation = 'org_a.job_inputs'::regclass`.execute(
          database.db,
        );
      expect(rows).toHaveLength(1);
    }, 20_000);
  });
  await migrated;
  expect(await readStoredBytes(db)).toBe(100);
});

test('rows that were put in without triggers are counted on demand', async () => {
  await using database = await createPostgresDatabase();
  await migrateResults(database.db);
  const db = openResultsDatabase(database.db, { schema: 'public' });
  await sql`alter table job_inputs disable trigger user`.execute(database.db);
  await submitWith(db, [[1, 100]]);
  expect(await readStoredBytes(db)).toBe(0);
  await countStoredFiles(db);
  await countStoredFiles(db);
  expect(await readStoredBytes(db)).toBe(100);
});

test('connections that store the same files in other orders, and delete them, end with the right sum', async () => {
  await using database = await createPostgresDatabase();
  await migrateResults(database.db);
  const db = openResultsDatabase(database.db, { schema: 'public' });
  const files = Array.from({ length: 30 }, (_, n) => n + 1);
  const writers = Array.from({ length: 40 }, async (_, writer) => {
    const mine = files
      .map((n) => [n, n] as const)
      .sort(([a], [b]) => ((a * 7 + writer) % 31) - ((b * 7 + writer) % 31));
    await submitWith(db, mine);
    if (writer % 4 === 0) await forgetStoredFiles(db, { digests: mine.slice(0, 5).map(([n]) => digestOf(n)) });
  });
  await Promise.all(writers);
  const { rows } = await sql<{
    bytes: number;
  }>`select coalesce(sum(size_bytes), 0)::float8 as bytes from stored_files`.execute(database.db);
  expect(await readStoredBytes(db)).toBe(rows[0]?.bytes);
  await submitWith(
    db,
    files.map((n) => [n, n] as const),
  );
  expect(await readStoredBytes(db)).toBe(465);
});
