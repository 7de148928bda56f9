import {
  inAllOrganizations,
  inOrganization,
  insertOrganization,
  newId,
  recordAudit,
  recordOperatorAudit,
} from '@mad/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestPlatform, type TestPlatform } from '../org/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await openTestPlatform();
});
afterAll(() => platform[Symbol.asyncDispose]());

const audit = (...args: string[]) => platform.mad(['audit', ...args]);

/** An organization with three entries, one of which holds what a terminal would obey. */
async function insertAudited(name: string): Promise<string> {
  const { metadata } = platform;
  const { org_id } = await inAllOrganizations(metadata, (tx) => insertOrganization(tx, { name }));
  await inOrganization(metadata, org_id, async (tx) => {
    for (const action of ['one', 'two', 'three'])
      await recordAudit(tx, { userId: null }, { action, entityType: 'thing', entityId: '\u001b[2J', facts: { n: 1 } });
  });
  return org_id;
}

test('the trail is listed, in pages and by what is asked for', async () => {
  const orgId = await insertAudited('Listed');
  const { code, out, err } = await audit('list', '--org', 'listed');
  expect({ code, err }).toEqual({ code: 0, err: '' });
  expect(out).toMatch(/^n +at +by +action +what +facts$/m);
  expect(out).toMatch(/^3 +\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ +- +three +thing �\[2J +\{"n":1\}$/m);
  expect(out).toMatch(/\n3 entries\n$/);
  const [, cursor = ''] =
    /go on with --cursor (\S+)\n$/.exec((await audit('list', '--org', orgId, '--limit', '2')).out) ?? [];
  const rest = await audit('list', '--org', orgId, '--cursor', cursor, '--json');
  expect(JSON.parse(rest.out).items).toMatchObject([{ seq: 1, action: 'one', entity_type: 'thing', facts: { n: 1 } }]);
  expect((await audit('list', '--org', orgId, '--action', 'two')).out).toMatch(/\n1 entry\n$/);
  expect((await audit('list', '--org', orgId, '--from', '2999-01-01T00:00:00Z')).out).toBe('no entries\n');
});

test('a trail is verified, against its noted head too; tampering is named, and the exit code says so', async () => {
  const orgId = await insertAudited('Verified');
  const sound = await audit('verify', '--org', 'Verified');
  expect(sound).toMatchObject({ code: 0, err: '' });
  const [, head = ''] = /^3 entries verified, all as they were written\nhead (3:[0-9a-f]{64})\n$/.exec(sound.out) ?? [];
  expect(await audit('verify', '--org', orgId, '--anchor', head)).toMatchObject({ code: 0 });
  const other = await audit('verify', '--org', orgId, '--anchor', `3:${'0'.repeat(64)}`);
  expect(other).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^mad: the audit trail was tampered with: entry 3 .*\n$/),
  });

  await platform.metadata.transaction().execute(async (tx) => {
    await sql`set local session_replication_role = replica`.execute(tx);
    await sql`update audit_logs set action = 'x' where chain_id = ${orgId} and seq = 2`.execute(tx);
  });
  const found = await audit('verify', '--org', orgId);
  expect(found).toMatchObject({ code: 1, out: '1 entry verified, then: entry 2 is not as it was written\n' });
  const told = await audit('verify', '--org', orgId, '--json');
  expect(JSON.parse(told.out)).toMatchObject({ org_id: orgId, rows: 1, tampering: { kind: 'changed', seq: 2 } });
});

test("what names no organization is the platform's", async () => {
  await inAllOrganizations(platform.metadata, (tx) =>
    recordOperatorAudit(
      tx,
      { orgId: null, actor: null },
      { action: 'fleet.pause', entityType: 'fleet', entityId: null },
    ),
  );
  expect((await audit('list', '--platform')).out).toMatch(/ fleet\.pause +fleet\n/);
  expect(await audit('verify', '--platform')).toMatchObject({ code: 0 });
});

test('a trail that is not there is one line, exit code 1', async () => {
  expect(await audit('list', '--org', newId())).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^mad: organization .* was not found .*\n$/),
  });
});

test.each([
  ['no trail', ['list'], /^mad: --org: expected either an organization or --platform, got none of them\n$/],
  ['two trails', ['verify', '--org', 'x', '--platform'], /^mad: --org: expected either .*, got both\n$/],
  ['no anchor', ['verify', '--platform', '--anchor', '3:x'], /^mad: --anchor: expected number and hash .*got "3:x"\n$/],
  [
    'what is no user',
    ['list', '--platform', '--by', 'ada'],
    /^mad: --by: expected the uuid or the e-mail address of a user, got "ada", which no user has\n$/,
  ],
  ['what is no time', ['list', '--platform', '--from', 'soon'], /^mad: --from: expected a time .*\n$/],
])('%s: one line, exit code 2', async (_, args, line) => {
  const run = await audit(...args);
  expect(run).toMatchObject({ code: 2, out: '' });
  expect(run.err).toMatch(line);
});
