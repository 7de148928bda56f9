import { metadataTrack, migrationState, newId, openResultsDatabase, resultsTrack } from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { type Kysely, sql } from 'kysely';
import { Client } from 'pg';
import { expect, test } from 'vitest';
import { mad } from '../mad-process.ts';

const metadataNames = Object.keys(metadataTrack.migrations);
const resultsNames = Object.keys(resultsTrack.migrations);

test('an empty database gets every migration of the Metadata DB, a second run finds nothing to do', async () => {
  await using empty = await createPostgresDatabase();
  const first = await mad(['migrate', 'metadata', '--url', empty.url, '--json']);
  expect(first).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(first.out)).toEqual({
    track: 'metadata',
    schema: 'public',
    applied: metadataNames,
    pending: [],
    applied_now: metadataNames,
  });

  const second = await mad(['migrate', 'metadata'], { MAD_DATABASE_URL: empty.url });
  expect(second).toMatchObject({ code: 0, err: '' });
  expect(second.out).toMatch(/^track +schema +migration +state\nmetadata +public +0001_proposal +applied\n/);
  expect(second.out).not.toContain('applied now');
});

test('of four runs at once exactly one applies, and all succeed', async () => {
  await using empty = await createPostgresDatabase();
  const runs = await Promise.all(
    Array.from({ length: 4 }, () => mad(['migrate', 'metadata', '--url', empty.url, '--json'])),
  );
  expect(runs.map(({ code, err }) => ({ code, err }))).toEqual(Array(4).fill({ code: 0, err: '' }));
  const counts = runs.map(({ out }) => (JSON.parse(out) as { applied_now: string[] }).applied_now.length);
  expect(counts.toSorted()).toEqual([0, 0, 0, metadataNames.length]);
});

test('two organizations live in two schemas of one database, each stamped as its own', async () => {
  await using empty = await createPostgresDatabase();
  const [one, two] = [newId(), newId()];
  for (const [schema, org] of [
    ['org_one', one],
    ['org_two', two],
  ] as const) {
    const run = await mad(['migrate', 'results', '--url', empty.url, '--schema', schema, '--org', org]);
    expect(run).toMatchObject({ code: 0, err: '' });
    const stamps = await openResultsDatabase(empty.db, { schema })
      .selectFrom('results_database')
      .select('org_id')
      .execute();
    expect(stamps).toEqual([{ org_id: org }]);
  }
  expect((await migrationState(empty.db, { track: resultsTrack })).applied).toEqual([]);

  const wrong = await mad(['migrate', 'results', '--url', empty.url, '--schema', 'org_one', '--org', two]);
  expect(wrong).toMatchObject({ code: 1, out: '' });
  expect(wrong.err).toContain(`is stamped for organization ${one}`);
});

test('status tells where both tracks stand and creates nothing', async () => {
  await using empty = await createPostgresDatabase();
  await mad(['migrate', 'results', '--url', empty.url, '--schema', 'org_one']);
  const before = await describeDatabase(empty.db);
  const status = await mad(['migrate', 'status', '--url', empty.url, '--schema', 'org_one', '--json']);
  expect(status).toMatchObject({ code: 0, err: '' });
  expect(JSON.parse(status.out)).toMatchObject({
    tracks: [
      { track: 'metadata', schema: 'public', applied: [], pending: metadataNames },
      { track: 'results', schema: 'org_one', applied: resultsNames, pending: [] },
    ],
  });
  expect(await describeDatabase(empty.db)).toEqual(before);
});

test('status of an empty database lists everything as pending', async () => {
  await using empty = await createPostgresDatabase();
  const status = await mad(['migrate', 'status', '--url', empty.url]);
  expect(status).toMatchObject({ code: 0, err: '' });
  const [head, ...rows] = status.out.trimEnd().split('\n');
  expect(head).toMatch(/^track +schema +migration +state$/);
  expect(rows).toHaveLength(metadataNames.length + resultsNames.length);
  for (const row of rows) expect(row).toMatch(/^(metadata|results) +public +\w+ +pending$/);
});

test.each([
  { track: metadataTrack, schema: 'public', args: ['metadata'] },
  { track: resultsTrack, schema: 'Org "1"', args: ['results', '--schema', 'Org "1"'] },
])(
  'the SQL of a dry run on the $track.name track changes nothing until a client runs it, and then does what the run itself does',
  async ({ track, schema, args }) => {
    await using byHand = await createPostgresDatabase();
    await using byMad = await createPostgresDatabase();
    const empty = await describeDatabase(byHand.db);
    const dryRun = await mad(['migrate', ...args, '--url', byHand.url, '--dry-run']);
    expect(dryRun).toMatchObject({ code: 0, err: '' });
    expect(await describeDatabase(byHand.db)).toEqual(empty);

    const client = new Client({ connectionString: byHand.url });
    await client.connect();
    await client.query(dryRun.out);
    await client.end();
    await mad(['migrate', ...args, '--url', byMad.url]);
    const made = await describeDatabase(byMad.db);
    expect(made.length).toBeGreaterThan(empty.length);
    expect(await describeDatabase(byHand.db)).toEqual(made);
    expect(await migrationState(byHand.db, { track, schema })).toEqual(
      await migrationState(byMad.db, { track, schema }),
    );

    const again = await mad(['migrate', ...args, '--url', byHand.url, '--dry-run']);
    expect(again).toEqual({ code: 0, out: '-- nothing is pending\n', err: '' });
  },
);

test('a user who may not create tables is told so, and nothing is left behind', async () => {
  await using empty = await createPostgresDatabase();
  const role = `mad_test_guest_${newId().replaceAll('-', '')}`;
  await sql`create role ${sql.id(role)} login password 'guest'`.execute(empty.db);
  try {
    const url = withUser(empty.url, { user: role, password: 'guest' });
    const run = await mad(['migrate', 'results', '--url', url, '--schema', 'org_one']);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(
      /^mad: permission denied .*: connect as the owner of mad_test_\w+, or let a superuser grant .*\n$/,
    );
  } finally {
    await sql`drop role ${sql.id(role)}`.execute(empty.db);
  }
});

test('a database that does not exist, and a user who does not, are one line each without the password', async () => {
  await using empty = await createPostgresDatabase();
  const elsewhere = await mad(['migrate', 'status', '--url', empty.url.replace(/mad_test_\w+/, 'no_such_database')]);
  expect(elsewhere).toMatchObject({ code: 1, out: '' });
  expect(elsewhere.err).toMatch(/^mad: there is no database no_such_database at .*: create it .*\n$/);

  const stranger = await mad([
    'migrate',
    'status',
    '--url',
    withUser(empty.url, { user: 'nobody_here', password: 'hush-hush' }),
  ]);
  expect(stranger).toMatchObject({ code: 1, out: '' });
  expect(stranger.err).toMatch(/^mad: .* refused the user nobody_here .*: correct user and password of --url\n$/);
  expect(stranger.err).not.toContain('hush');
});

function withUser(connectionString: string, { user, password }: { user: string; password: string }): string {
  const url = new URL(connectionString);
  return Object.assign(url, { username: user, password }).href;
}

/** Every column, constraint, index, trigger, policy and function that is not PostgreSQL's own, one line each. */
async function describeDatabase(db: Kysely<unknown>): Promise<readonly string[]> {
  const { rows } = await sql<{ line: string }>`
    with own as (select oid, nspname from pg_namespace where nspname !~ '^pg_' and nspname <> 'information_schema')
    select line from (
      select format('column %s.%s.%s %s %s %s', table_schema, table_name, column_name, udt_name, is_nullable, column_default) as line
        from information_schema.columns where table_schema in (select nspname from own)
      union all select format('constraint %s %s', conrelid::regclass, pg_get_constraintdef(oid)) from pg_constraint
        where connamespace in (select oid from own)
      union all select format('index %s', indexdef) from pg_indexes where schemaname in (select nspname from own)
      union all select format('trigger %s', pg_get_triggerdef(oid)) from pg_trigger where not tgisinternal
      union all select format('policy %s', p) from pg_policies p
      union all select format('function %s', pg_get_functiondef(oid)) from pg_proc where pronamespace in (select oid from own) and prokind = 'f'
    ) as lines order by line`.execute(db);
  return rows.map(({ line }) => line);
}
