import { createPostgresDatabase } from '@mad/testkit';
import { expect, test } from 'vitest';
import { newId } from '../../src/ids.ts';
import { type AcceptedJob, insertJobs } from '../../src/results/insert-jobs.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import { resultsTemplate, SCHEMA } from './each-database.ts';

const jobs = (count: number): AcceptedJob[] =>
  Array.from({ length: count }, (_, n) => ({
    job: { job_id: newId(), pipeline_version: 'dock@1.0.0', idempotency_key: `key-${n}` },
    inputs: [{ key: 'receptor', uri: `mad://${n}` }],
    events: [{ event: 'QUEUED' }],
  }));

test('calls that share their keys in opposite orders wait for each other and end; each key is one job, with what belongs to it', async () => {
  await using database = await createPostgresDatabase(resultsTemplate);
  const db = openResultsDatabase(database.db, { schema: SCHEMA });
  const calls = [jobs(1_500), jobs(1_500).toReversed(), jobs(1_500), jobs(1_500).toReversed()];
  const inserted = await Promise.all(
    calls.map((own) => db.transaction().execute((tx) => insertJobs(tx, { jobs: own }))),
  );
  const ids = inserted.flat().map(({ job_id }) => job_id);
  expect([ids.length, new Set(ids).size]).toEqual([1_500, 1_500]);
  for (const table of ['jobs', 'job_inputs', 'job_events'] as const) {
    const rows = await db.selectFrom(table).select('job_id').execute();
    expect(new Set(rows.map(({ job_id }) => job_id))).toEqual(new Set(ids));
  }
});
