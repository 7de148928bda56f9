import {
  auditDigest,
  type Caller,
  deleteOrganization,
  deleteUser,
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  migrateMetadata,
  NotFoundError,
  newId,
  PermissionDeniedError,
  recordAudit,
  recordOperatorAudit,
  ValidationFailedError,
} from '@mad/core';
import { createPostgresDatabase } from '@mad/testkit';
import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AuditTamperingKind, auditAnchor, listAudit, verifyAudit } from '../../src/index.ts';
import { auditedOrganization, tamper } from './audited-organization.ts';

let database: Awaited<ReturnType<typeof createPostgresDatabase>>;
let metadata: MetadataDatabase;
beforeAll(async () => {
  database = await createPostgresDatabase({ name: 'tenancy_metadata', fill: migrateMetadata });
  metadata = database.db as unknown as MetadataDatabase;
});
afterAll(() => database[Symbol.asyncDispose]());

const N = 9;
type Tampering = (orgId: string) => readonly ReturnType<typeof sql>[];
const column = (orgId: string, seq: number, name: string) =>
  sql`(select ${sql.ref(name)} from audit_logs where chain_id = ${orgId} and seq = ${seq})`;
const at = (orgId: string, seq: number) => sql`chain_id = ${orgId} and seq = ${seq}`;
const rehash = (orgId: string, seq: number) =>
  sql`update audit_logs a set hash = mad_audit_hash(a) where ${at(orgId, seq)}`;
/** Numbers every row from `from` on anew, past the unique index. */
const shift = (orgId: string, from: number, by: number) => [
  sql`update audit_logs set seq = -seq where chain_id = ${orgId} and seq >= ${from}`,
  sql`update audit_logs set seq = -seq + ${by} where chain_id = ${orgId} and seq < 0`,
  sql`update audit_chains set seq = seq + ${by} where chain_id = ${orgId}`,
];
const insert = (orgId: string, seq: number, prev = seq - 1) => sql`
  insert into audit_logs (org_id, chain_id, seq, prev_hash, hash, action, entity_type)
  select ${orgId}, ${orgId}, ${seq}, hash, repeat('a', 64), 'forged', 'thing' from audit_logs where ${at(orgId, prev)}`;
const swapSeq = (orgId: string, a: number, b: number) => [
  sql`update audit_logs set seq = -1 where ${at(orgId, a)}`,
  sql`update audit_logs set seq = ${a} where ${at(orgId, b)}`,
  sql`update audit_logs set seq = ${b} where ${at(orgId, -1)}`,
];

const cases: [string, AuditTamperingKind, number, Tampering][] = [
  ...['action', 'entity_type', 'entity_id', 'prev_hash', 'hash'].map(
    (name): [string, AuditTamperingKind, number, Tampering] => [
      `a changed ${name}`,
      'changed',
      4,
      (org) => [sql`update audit_logs set ${sql.ref(name)} = ${sql.ref(name)} || 'x' where ${at(org, 4)}`],
    ],
  ),
  [
    'a changed fact',
    'changed',
    4,
    (org) => [sql`update audit_logs set metadata = metadata || '{"x": 1}' where ${at(org, 4)}`],
  ],
  [
    'a number of another scale',
    'changed',
    4,
    (org) => [sql`update audit_logs set metadata = metadata || '{"after": 1.0}' where ${at(org, 4)}`],
  ],
  [
    'a microsecond',
    'changed',
    4,
    (org) => [sql`update audit_logs set ts = ts + interval '1 microsecond' where ${at(org, 4)}`],
  ],
  ['another id', 'changed', 4, (org) => [sql`update audit_logs set audit_id = ${newId()} where ${at(org, 4)}`]],
  [
    'an empty entity for none',
    'changed',
    4,
    (org) => [sql`update audit_logs set entity_id = null where ${at(org, 4)}`],
  ],
  [
    'text moved to the next column',
    'changed',
    4,
    (org) => [sql`update audit_logs set action = 'thing.', entity_type = '4thing' where ${at(org, 4)}`],
  ],
  ['another user', 'changed', 4, (org) => [sql`update audit_logs set user_id = ${newId()} where ${at(org, 4)}`]],
  ['another organization', 'changed', 4, (org) => [sql`update audit_logs set org_id = ${newId()} where ${at(org, 4)}`]],
  [
    'a change hashed anew',
    'changed',
    4,
    (org) => [sql`update audit_logs set action = 'x' where ${at(org, 4)}`, rehash(org, 4)],
  ],
  [
    'the first row hashed anew',
    'changed',
    1,
    (org) => [sql`update audit_logs set action = 'x' where ${at(org, 1)}`, rehash(org, 1)],
  ],
  [
    'the last row hashed anew',
    'changed',
    N,
    (org) => [sql`update audit_logs set action = 'x' where ${at(org, N)}`, rehash(org, N)],
  ],
  [
    'a first row that goes on from something',
    'changed',
    1,
    (org) => [sql`update audit_logs set prev_hash = repeat('b', 64) where ${at(org, 1)}`, rehash(org, 1)],
  ],
  ['a deleted row', 'missing', 4, (org) => [sql`delete from audit_logs where ${at(org, 4)}`]],
  ['a deleted first row', 'missing', 1, (org) => [sql`delete from audit_logs where ${at(org, 1)}`]],
  ['a deleted last row', 'missing', N, (org) => [sql`delete from audit_logs where ${at(org, N)}`]],
  ['all rows deleted', 'missing', 1, (org) => [sql`delete from audit_logs where chain_id = ${org}`]],
  [
    'a deleted row, the rest numbered anew',
    'missing',
    4,
    (org) => [sql`delete from audit_logs where ${at(org, 4)}`, ...shift(org, 5, -1)],
  ],
  [
    'a row moved out of its chain',
    'missing',
    4,
    (org) => [sql`update audit_logs set chain_id = ${newId()} where ${at(org, 4)}`],
  ],
  ['a row put in', 'inserted', 4, (org) => [...shift(org, 4, 1), insert(org, 4, 3)]],
  ['a row put in and hashed', 'inserted', 4, (org) => [...shift(org, 4, 1), insert(org, 4, 3), rehash(org, 4)]],
  ['a row put before the first', 'inserted', 0, (org) => [insert(org, 0, 1)]],
  ['a row put behind the last', 'inserted', N + 1, (org) => [insert(org, N + 1)]],
  ['a row put behind the last and hashed', 'head_behind', N + 1, (org) => [insert(org, N + 1), rehash(org, N + 1)]],
  ['neighbors swapped', 'order', 4, (org) => swapSeq(org, 4, 5)],
  ['two rows swapped', 'order', 3, (org) => swapSeq(org, 3, 7)],
  ['the last two swapped', 'order', N - 1, (org) => swapSeq(org, N - 1, N)],
  [
    'the head set back',
    'head_behind',
    N - 1,
    (org) => [
      sql`update audit_chains set seq = ${N - 2}, hash = ${column(org, N - 2, 'hash')} where chain_id = ${org}`,
    ],
  ],
  ['the head deleted', 'head_behind', 1, (org) => [sql`delete from audit_chains where chain_id = ${org}`]],
  [
    'another hash in the head',
    'changed',
    N,
    (org) => [sql`update audit_chains set hash = repeat('c', 64) where chain_id = ${org}`],
  ],
];

test.each(cases)('%s: %s at %i', async (...[, kind, seq, statements]) => {
  const { orgId, userId } = await auditedOrganization(metadata, N);
  expect(await verifyAudit(metadata, 'operator', { orgId })).toMatchObject({ rows: N, tampering: null });
  await tamper(metadata, ...statements(orgId));
  const { tampering, rows } = await verifyAudit(metadata, 'operator', { orgId });
  expect(tampering).toMatchObject({ kind, seq, message: expect.stringContaining(`${seq}`) });
  const named = await sql<{ audit_id: string }>`select audit_id from audit_logs where ${at(orgId, seq)}`.execute(
    metadata,
  );
  if (kind !== 'missing') expect(tampering?.auditId).toBe(named.rows[0]?.audit_id);
  else expect(tampering?.auditId).toBe(null);
  expect(rows).toBeLessThanOrEqual(kind === 'head_behind' ? N + 1 : Math.max(seq, N));
  const asMember = await verifyAudit(metadata, auditor({ orgId, userId }));
  expect(asMember.tampering).toEqual(tampering);
});

const auditor = ({ orgId, userId }: { orgId: string; userId: string }): Caller => ({
  ...{ orgId, userId },
  permissions: new Set(['audit.view']),
});

test('contents of two rows swapped are told as their order', async () => {
  const { orgId } = await auditedOrganization(metadata, N);
  await tamper(
    metadata,
    sql`create temporary table kept on commit drop as select * from audit_logs where chain_id = ${orgId} and seq in (3, 7)`,
    sql`delete from audit_logs where chain_id = ${orgId} and seq in (3, 7)`,
    sql`insert into audit_logs select x.audit_id, x.org_id, x.user_id, x.action, x.entity_type, x.entity_id, x.metadata, x.ts,
      y.chain_id, y.seq, y.prev_hash, y.hash from kept x, kept y where x.seq <> y.seq`,
  );
  const { tampering } = await verifyAudit(metadata, 'operator', { orgId });
  expect(tampering).toMatchObject({ kind: 'order', seq: 3, message: 'entry 3 was written as number 7' });
});

test('a row that names the organization and is in no chain is found', async () => {
  const { orgId } = await auditedOrganization(metadata, N);
  const id = newId();
  await tamper(
    metadata,
    sql`insert into audit_logs (audit_id, org_id, chain_id, seq, prev_hash, hash, action, entity_type)
      values (${id}, ${orgId}, ${newId()}, 1, 'x', 'x', 'forged', 'thing')`,
  );
  const { tampering } = await verifyAudit(metadata, 'operator', { orgId });
  expect(tampering).toMatchObject({ kind: 'inserted', seq: null, auditId: id });
});

test('what is cut off with its head, or written anew as a whole, shows against an anchor and not without', async () => {
  const { orgId } = await auditedOrganization(metadata, N);
  const anchor = await auditAnchor(metadata, 'operator', { orgId });
  expect(anchor.seq).toBe(N);
  const verify = (given?: typeof anchor) => verifyAudit(metadata, 'operator', { orgId, anchor: given });
  expect((await verify(anchor)).tampering).toBe(null);
  await inOrganization(metadata, orgId, (tx) =>
    recordAudit(tx, { userId: null }, { action: 'later', entityType: 'thing', entityId: null }),
  );
  expect(await verify(anchor)).toMatchObject({ tampering: null, head: { seq: N + 1 } });

  const cut = await auditedOrganization(metadata, N);
  const noted = await auditAnchor(metadata, 'operator', { orgId: cut.orgId });
  await tamper(
    metadata,
    sql`delete from audit_logs where chain_id = ${cut.orgId} and seq > 5`,
    sql`update audit_chains set seq = 5, hash = ${column(cut.orgId, 5, 'hash')} where chain_id = ${cut.orgId}`,
  );
  expect((await verifyAudit(metadata, 'operator', { orgId: cut.orgId })).tampering).toBe(null);
  expect((await verifyAudit(metadata, 'operator', { orgId: cut.orgId, anchor: noted })).tampering).toMatchObject({
    kind: 'truncated',
    seq: 6,
  });

  await tamper(
    metadata,
    sql`update audit_logs set action = 'x' where ${at(orgId, 8)}`,
    rehash(orgId, 8),
    ...[9, 10].flatMap((seq) => [
      sql`update audit_logs set prev_hash = ${column(orgId, seq - 1, 'hash')} where ${at(orgId, seq)}`,
      rehash(orgId, seq),
    ]),
    sql`update audit_chains set hash = ${column(orgId, 10, 'hash')} where chain_id = ${orgId}`,
  );
  expect((await verify()).tampering).toBe(null);
  expect((await verify(anchor)).tampering).toMatchObject({ kind: 'rewritten', seq: N });
});

test('a trail is as it was written when its user and its organization are gone', async () => {
  const { orgId, userId } = await auditedOrganization(metadata, N);
  await inAllOrganizations(metadata, async (tx) => {
    await deleteUser(tx, { userId });
    await deleteOrganization(tx, { orgId });
  });
  expect(await verifyAudit(metadata, 'operator', { orgId })).toMatchObject({ rows: N, tampering: null });
  const { items } = await listAudit(metadata, 'operator', { orgId, actor: userId, limit: 500 });
  expect(items).toHaveLength(N);
  expect(items[0]?.actor).toEqual({ userId, email: `${orgId}@example.org` });
});

test('the trail of the platform is its own', async () => {
  const before = await auditAnchor(metadata, 'operator');
  await inAllOrganizations(metadata, (tx) =>
    recordOperatorAudit(
      tx,
      { orgId: null, actor: null },
      { action: 'fleet.migrate', entityType: 'fleet', entityId: null },
    ),
  );
  expect(await verifyAudit(metadata, 'operator')).toMatchObject({ orgId: null, rows: before.seq + 1, tampering: null });
  expect((await listAudit(metadata, 'operator')).items[0]).toMatchObject({ action: 'fleet.migrate', actor: null });
});

test('while others add to the trail, it is followed to its end', async () => {
  const { orgId } = await auditedOrganization(metadata, 1);
  const add = () =>
    inOrganization(metadata, orgId, (tx) =>
      recordAudit(tx, { userId: null }, { action: 'x', entityType: 'thing', entityId: null }),
    );
  const adding = Promise.all(Array.from({ length: 40 }, add));
  for (let n = 0; n < 10; n++) expect((await verifyAudit(metadata, 'operator', { orgId })).tampering).toBe(null);
  await adding;
  const seen: number[] = [];
  const onProgress = ({ rows }: { rows: number }) => void seen.push(rows);
  expect(await verifyAudit(metadata, 'operator', { orgId, onProgress })).toMatchObject({ rows: 41 });
  expect(seen).toEqual([41]);
});

test('an entry tells who did what to what, with digests of what stood before and after', async () => {
  const { orgId, userId } = await auditedOrganization(metadata, 0);
  const caller = auditor({ orgId, userId });
  const change = { action: 'role.assign', entityType: 'user', entityId: userId };
  await inOrganization(metadata, orgId, (tx) =>
    recordAudit(tx, caller, {
      ...change,
      before: { b: [1, { y: 1, x: 2 }], a: 'é' },
      after: {},
      facts: { role: 'admin' },
    }),
  );
  const { items } = await listAudit(metadata, caller, { entityType: 'user', entityId: userId, action: 'role.assign' });
  const digest = auditDigest({ a: 'é', b: [1, { x: 2, y: 1 }] });
  expect(digest).toBe('6c560f3533dbbbeff350a51ffc4a33263b354e5acbd90ee47fde102e356de9b8');
  expect(items).toEqual([
    {
      ...change,
      auditId: expect.any(String),
      seq: 1,
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
      at: expect.any(Date),
      actor: { userId, email: `${orgId}@example.org` },
      before: digest,
      after: auditDigest({}),
      facts: { role: 'admin' },
    },
  ]);
  const pages = await auditedOrganization(metadata, 3);
  const first = await listAudit(metadata, auditor(pages), { limit: 2 });
  expect(first.items.map(({ seq }) => seq)).toEqual([3, 2]);
  const rest = await listAudit(metadata, auditor(pages), { limit: 2, cursor: first.nextCursor });
  expect(rest.items.map(({ seq }) => seq)).toEqual([1]);
});

test('nobody reads a trail without audit.view, nor that of another organization', async () => {
  const [own, other] = [await auditedOrganization(metadata, 1), await auditedOrganization(metadata, 1)];
  for (const read of [verifyAudit, auditAnchor, listAudit]) {
    await expect(read(metadata, { ...auditor(own), permissions: new Set(['org.view']) })).rejects.toThrow(
      PermissionDeniedError,
    );
    for (const orgId of [other.orgId, newId(), null])
      await expect(read(metadata, auditor(own), { orgId })).rejects.toThrow(NotFoundError);
    await expect(read(metadata, 'operator', { orgId: newId() })).rejects.toThrow(NotFoundError);
    await expect(read(metadata, auditor(own), { orgId: 'x' })).rejects.toThrow(ValidationFailedError);
    await expect(read(metadata, auditor(own), { more: 1 } as never)).rejects.toThrow(/more/);
  }
  const bad = verifyAudit(metadata, auditor(own), { anchor: { seq: -1, hash: 'x' } });
  expect(await bad.catch((error: ValidationFailedError) => error.issues.map(({ pointer }) => pointer))).toEqual([
    '/anchor/seq',
    '/anchor/hash',
  ]);
  await expect(listAudit(metadata, auditor(own), { action: 'a\0b' })).rejects.toThrow(ValidationFailedError);
});
