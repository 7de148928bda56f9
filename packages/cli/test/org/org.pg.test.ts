import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { inAllOrganizations, newId, type OrgDatabaseRowUpdate, updateOrganization, updateOrgDatabase } from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPlatform, type TestPlatform } from './platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const org = (...args: string[]) => platform.mad(['org', ...args]);
async function json(...args: string[]) {
  const { code, out, err } = await org(...args, '--json');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}
const create = (name: string, ...more: string[]) => json('create', name, '--placement', 'schema', ...more);

test('an organization is made, listed and shown by name and by uuid', async () => {
  const made = await org('create', 'Acme', '--placement', 'schema', '--admin', 'ada@example.org');
  expect(made).toMatchObject({ code: 0, err: '' });
  const [, orgId = ''] =
    /^([0-9a-f-]{36}) is active: schema on main, administrator [0-9a-f-]{36}\n$/.exec(made.out) ?? [];
  const listed = await org('list', '--status', 'active');
  expect(listed.out).toMatch(/^organization +name +status +placement +cluster +results +version +made$/m);
  expect(listed.out).toMatch(
    new RegExp(`^${orgId}  Acme +active +schema +main +ready +\\d{4}_\\w+ +\\d{4}-\\d\\d-\\d\\d$`, 'm'),
  );
  const shown = await org('show', 'aCME');
  expect(shown.out).toMatch(new RegExp(`^organization +${orgId}$`, 'm'));
  expect(shown.out).toMatch(/^members +1$/m);
  expect(await json('show', orgId)).toMatchObject({
    org_id: orgId,
    name: 'Acme',
    results: { cluster: 'main', state: 'ready' },
  });
  expect((await json('list', '--limit', '1')).items).toHaveLength(1);
});

test('a name that is taken is refused, and found with --resume', async () => {
  const { org_id } = await create('Taken');
  const again = await org('create', 'taken', '--placement', 'schema');
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toMatch(/^mad: organization taken already exists; [^\n]*\n$/i);
  expect(await create('Taken', '--resume')).toMatchObject({ org_id });
  expect(await create('Given', '--id', '01890a5d-ac96-774b-bcce-b302099a8057')).toMatchObject({
    org_id: '01890a5d-ac96-774b-bcce-b302099a8057',
  });
});

test('one that stopped on its way names --resume, and so does the next call without it', async () => {
  const args = ['create', 'Stopped', '--placement', 'schema'];
  const id = newId();
  const name = `mad_results_${id.replaceAll('-', '')}`;
  await sql`create schema ${sql.id(name)} create table mad_results_migrations (n int)`.execute(platform.metadata);
  const stopped = await org(...args, '--id', id);
  expect(stopped).toMatchObject({ code: 1, out: '' });
  expect(stopped.err).toMatch(/^mad: organization Stopped stopped at step migrate: .*; give the same command --resume/);
  const again = await org(...args);
  expect(again).toMatchObject({ code: 1, out: '' });
  expect(again.err).toMatch(/^mad: organization Stopped was left half-way by an earlier call; .* --resume to go on/);
  await sql`drop schema ${sql.id(name)} cascade`.execute(platform.metadata);
  expect(await create('Stopped', '--resume')).toMatchObject({ org_id: id });
});

test('an organization that nobody can enter says so, with the next step', async () => {
  const alone = await org('create', 'Alone', '--placement', 'schema');
  const [, orgId = ''] = /^([0-9a-f-]{36}) is active/.exec(alone.out) ?? [];
  const next = `mad user invite E-MAIL admin --org ${orgId}`;
  expect(alone.out).toMatch(
    /: schema on main\nnobody can enter it: mad user invite [^\n]* invites an administrator\n$/,
  );
  expect(await create('Alone', '--resume')).toMatchObject({ admin_user_id: null, members: 0, next });
  const entered = await create('Alone', '--resume', '--admin', 'alone@example.org');
  expect(entered).toMatchObject({ admin_user_id: expect.any(String), members: 1, next: null });
  expect(await create('Alone', '--resume')).toMatchObject({ admin_user_id: null, members: 1, next: null });
});

test('limits are shown, set, and lifted, each alone, with the actor by address in the trail', async () => {
  const { org_id } = await create('Limited', '--admin', 'limited@example.org');
  expect((await org('quota', 'Limited')).out).toMatch(/^max_jobs_per_month +none\nmax_concurrent_jobs +none\nmax_st/);
  const actor = ['--actor', 'LIMITED@example.org'];
  const first = await json('quota', 'Limited', '--jobs-per-month', '100', '--storage-gb', '0.5', ...actor);
  expect(first).toEqual({ org_id, quotas: { max_jobs_per_month: 100, max_storage_gb: 0.5 } });
  const second = await json('quota', org_id, '--concurrent', '0', '--storage-gb', 'none');
  expect(second.quotas).toEqual({ max_jobs_per_month: 100, max_concurrent_jobs: 0 });
  expect(await json('quota', 'Limited')).toEqual(second);
  const trail = ['audit', 'list', '--org', 'Limited', '--action', 'org.quota.update', '--json'];
  const by = JSON.parse((await platform.mad([...trail, '--by', 'limited@example.org'])).out).items;
  expect(by).toMatchObject([{ actor: { email: 'limited@example.org' } }]);
});

test('what was left half-way is listed, shown and a finding, each with what ends it', async () => {
  const doctor = async (name: string) => {
    const run = await platform.mad(['doctor', '--org', name, '--json']);
    return { ...run, findings: JSON.parse(run.out).findings };
  };
  const set = (org_id: string, row: OrgDatabaseRowUpdate) =>
    inAllOrganizations(platform.metadata, (tx) => updateOrgDatabase(tx, { orgId: org_id, set: row }));
  const { org_id } = await create('Half');
  const other = { other_placement: 'database', other_cluster: 'large', transition_id: newId() } as const;
  const left = async (row: OrgDatabaseRowUpdate) => {
    await set(org_id, { ...other, ...row });
    const { code, err, findings } = await doctor('half');
    expect({ code, err: JSON.parse(err).error }).toMatchObject({ code: 1, err: { code: 'MAD_CLI_FINDINGS_LEFT' } });
    expect(findings).toEqual([expect.objectContaining({ org_id, job_id: null, outcome: 'left' })]);
    return findings[0];
  };
  expect((await doctor('Half')).code).toBe(0);
  expect(await left({ state: 'moving', transition: 'move' })).toMatchObject({
    kind: 'move_left',
    found: expect.stringContaining('goes on, or was left'),
    remedy: `it goes on by mad org move ${org_id} --placement database --on large`,
  });
  expect((await org('list')).out).toMatch(new RegExp(`^${org_id}  Half .* moving to database on large `, 'm'));
  expect((await org('show', 'Half')).out).toMatch(/^state +moving to database on large$/m);
  expect((await json('show', 'Half')).results).toMatchObject({ transition: 'move', other_cluster: 'large' });
  await org('suspend', 'Half');
  expect((await left({ state: 'moving', transition: 'move' })).kind).toBe('move_left');
  expect(await left({ state: 'moving', transition: 'move_back' })).toMatchObject({
    kind: 'move_back_left',
    remedy: `it stays where it is by mad org move ${org_id} --placement schema --on main`,
  });
  await org('reactivate', 'Half');
  const dropped = await left({ state: 'ready', transition: 'move_drop' });
  expect(dropped).toMatchObject({
    kind: 'move_drop_left',
    remedy: expect.stringContaining('--placement schema --on main'),
  });
  const none = { other_placement: null, other_cluster: null } as const;
  expect(await left({ ...none, state: 'provisioning', transition: 'restore' })).toMatchObject({ kind: 'restore_left' });
  expect(await left({ ...none, state: 'ready', transition: 'offboard' })).toMatchObject({
    kind: 'offboard_left',
    remedy: expect.stringMatching(/--export FILE .*; mad org reactivate \S+ takes it back$/),
  });
  expect(await left({ ...none, state: 'deleting', transition: 'offboard' })).toMatchObject({
    remedy: expect.stringContaining('--no-export'),
  });
  await set(org_id, { ...none, state: 'ready', transition: null, transition_id: null });
  expect((await doctor('Half')).code).toBe(0);
});

test('what a killed create left is a finding, and taken back', async () => {
  const { org_id } = await create("It's half");
  await inAllOrganizations(platform.metadata, async (tx) => {
    await updateOrgDatabase(tx, { orgId: org_id, set: { state: 'provisioning' } });
    await updateOrganization(tx, { orgId: org_id, set: { status: 'provisioning' } });
  });
  const run = await platform.mad(['doctor', '--org', org_id]);
  expect(run.code).toBe(1);
  expect(run.out).toContain('provisioning_left');
  expect(run.out).toContain(`mad org create 'It'\\''s half' --placement schema --on main --resume`);
  expect(run.out).toContain(`mad org take-back ${org_id} undoes it`);
  expect(await json('take-back', "It's half")).toEqual({ org_id, name: "It's half" });
  expect(await org('show', org_id)).toMatchObject({ code: 1 });
  await create('Whole');
  const refused = await org('take-back', 'Whole', '--json');
  expect({ ...refused, err: JSON.parse(refused.err) }).toMatchObject({
    ...{ code: 1, out: '' },
    err: {
      error: { code: 'MAD_CORE_CONFLICT', message: expect.stringContaining('active'), details: expect.anything() },
    },
  });
});

test('an organization is suspended and reactivated, with the actor and the reason in the trail', async () => {
  const { org_id } = await create('Paused', '--admin', 'grace@example.org');
  const { admin_user_id } = await create('Paused', '--admin', 'grace@example.org', '--resume');
  const suspended = await org('suspend', 'Paused', '--reason', 'unpaid', '--actor', admin_user_id);
  expect(suspended).toEqual({ code: 0, out: `${org_id} is suspended\n`, err: '', asked: [] });
  expect(await json('show', 'Paused')).toMatchObject({ status: 'suspended' });
  expect(await json('reactivate', 'Paused')).toEqual({ org_id, status: 'active' });
  const { out } = await platform.mad([
    'audit',
    'list',
    '--org',
    'Paused',
    '--action',
    'organization.suspend',
    '--json',
  ]);
  expect(JSON.parse(out).items).toMatchObject([
    { actor: { user_id: admin_user_id, email: 'grace@example.org' }, facts: { reason: 'unpaid' } },
  ]);
});

test('a Results DB moves to a database of its own', async () => {
  const { org_id } = await create('Mover');
  const moved = await org('move', 'Mover', '--placement', 'database', '--on', 'main');
  expect(moved).toMatchObject({ code: 0, err: '' });
  expect(moved.out).toMatch(new RegExp(`^${org_id} is database on main, \\d+ rows? copied and compared\\n$`));
  expect(await json('show', 'Mover')).toMatchObject({ results: { placement: 'database', state: 'ready' } });
}, 60_000);

test('an organization leaves after its name was typed, with an archive from which it comes back', async () => {
  const { org_id } = await create('Leaver');
  const archive = join(platform.folder, 'leaver.tar.gz');
  const store = ['--artifacts', platform.folder];
  const written = await org('export', 'Leaver', '--to', archive, ...store);
  expect(written).toMatchObject({ code: 0, err: '' });
  expect(written.out).toMatch(/ exported to .*leaver\.tar\.gz: \d+ rows, 0 files of 0 B\nsha256 [0-9a-f]{64}\n$/);

  const leave = ['org', 'offboard', 'Leaver', '--export', archive, ...store];
  const unasked = await platform.mad(leave);
  expect(unasked).toMatchObject({ code: 2, out: '' });
  expect(unasked.err).toMatch(
    /^mad: --yes: expected this option, or Leaver typed at a terminal, got neither; nothing was done, since the Results DB, files and rows of Leaver .*\n$/,
  );
  const mistyped = await platform.mad(leave, { answer: 'leaver' });
  expect(mistyped).toMatchObject({ code: 2, out: '', asked: [expect.stringMatching(/Type Leaver to go on: $/)] });
  expect(await json('show', 'Leaver')).toMatchObject({ status: 'active' });
  const left = await platform.mad(leave, { answer: 'Leaver' });
  expect(left).toMatchObject({ code: 0, err: '' });
  expect(left.out).toMatch(new RegExp(`${org_id} is off the platform, 0 files deleted\\n$`));
  expect((await stat(archive)).size).toBeGreaterThan(0);
  expect(await json('show', org_id)).toMatchObject({ status: 'deleted' });

  const newStore = ['--artifacts', join(platform.folder, 'not', 'there', 'yet')];
  const back = await org('restore', archive, '--placement', 'schema', '--name', 'Returned', ...newStore);
  expect(back).toMatchObject({ code: 0, err: '' });
  expect(back.out).toMatch(new RegExp(`^${org_id} is active: \\d+ rows, 0 files restored, 0 users made\\n$`));
  expect(await json('show', 'Returned')).toMatchObject({ org_id, status: 'active' });
  const gone = await org('offboard', 'Returned', '--no-export', '--yes', ...newStore, '--json');
  expect(JSON.parse(gone.out)).toMatchObject({ org_id, files_deleted: 0 });
}, 60_000);

test('who is behind is listed, and the fleet migrated', async () => {
  const { org_id } = await create('Behind');
  expect((await org('migrate', '--behind')).out).toBe('none is behind\n');
  await inAllOrganizations(platform.metadata, (tx) =>
    updateOrgDatabase(tx, { orgId: org_id, set: { schema_version: '0001_results' } }),
  );
  expect((await org('migrate', '--behind')).out).toMatch(
    /Behind +active +main +0001_results +-\n1 organization behind\n$/,
  );
  const done = await org('migrate', '--concurrency', '2');
  expect(done).toMatchObject({ code: 0, err: '' });
  expect(done.out).toMatch(/^done: \d+ organizations? at \d{4}_\w+, 0 failed, 0 behind\n$/);
  const paused = await org('migrate', '--pause');
  expect(paused).toMatchObject({ code: 1, out: '' });
  expect(paused.err).toMatch(/^mad: fleet migration .* none is open\n$/);
}, 60_000);

test('an organization that is not there is one line with the next step, exit code 1', async () => {
  for (const args of [
    ['show', 'Nobody'],
    ['suspend', newId()],
    ['move', 'Nobody', '--placement', 'schema'],
  ]) {
    const run = await org(...args);
    expect(run).toMatchObject({ code: 1, out: '' });
    expect(run.err).toMatch(
      /^mad: organization .* was not found in the Metadata DB; mad org list shows those that are there\n$/,
    );
  }
});

test.each([
  ['no placement', ['create', 'x'], /^mad: --placement: expected one of database, schema, got none\n$/],
  ['another placement', ['create', 'x', '--placement', 'row'], /^mad: --placement: expected one of .*got "row"\n$/],
  [
    'another cluster',
    ['create', 'x', '--placement', 'schema', '--on', 'no'],
    /^mad: --on: expected one of main, got "no"\n$/,
  ],
  [
    'an administrator without an address',
    ['create', 'x', '--placement', 'schema', '--admin', 'ada'],
    /^mad: --admin: expected an e-mail address, got "ada"\n$/,
  ],
  ['no uuid', ['create', 'x', '--placement', 'schema', '--id', 'x'], /^mad: --id: expected the uuid .*\n$/],
  [
    'an actor whom nobody knows',
    ['suspend', 'x', '--actor', 'ada'],
    /^mad: --actor: expected the uuid or the e-mail address of a user, got "ada", which no user has\n$/,
  ],
  ['no archive', ['export', 'x', '--artifacts', '.'], /^mad: --to: expected the file to write, got none\n$/],
  ['no store', ['export', 'x', '--to', 'y'], /^mad: --artifacts: expected the folder .*got none\n$/],
  [
    'offboarding that says nothing of an archive',
    ['offboard', 'x', '--artifacts', '.', '--yes'],
    /^mad: --export: expected a file .*, or --no-export, got none\n$/,
  ],
  ['another status', ['list', '--status', 'gone'], /^mad: --status: expected one of provisioning, .*got "gone"\n$/],
])('%s: one line, exit code 2', async (_, args, line) => {
  const run = await org(...args);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toMatch(line);
});
