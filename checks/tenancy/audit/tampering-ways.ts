import type { AuditTamperingKind } from '@mad/tenancy';
import { sql } from 'kysely';

type Statement = ReturnType<typeof sql>;

/** One way to tamper with a trail, and what must be found. */
export interface TamperingWay {
  readonly name: string;
  readonly kind: AuditTamperingKind;
  /** The statements, for a superuser past triggers and foreign keys; `seq` is the row that is harmed and must be named. */
  statements(at: { readonly orgId: string; readonly seq: number }): readonly Statement[];
}

const row = (orgId: string, seq: number) => sql`chain_id = ${orgId} and seq = ${seq}`;
const rehash = (orgId: string, seq: number) =>
  sql`update audit_logs a set hash = mad_audit_hash(a) where ${row(orgId, seq)}`;
const change = (orgId: string, seq: number) =>
  sql`update audit_logs set metadata = metadata || '{"amount": 1}' where ${row(orgId, seq)}`;

/** Numbers all rows from `from` on anew; in two steps, past the unique index. */
const shift = (orgId: string, { from, by }: { from: number; by: number }) => [
  sql`update audit_logs set seq = -seq where chain_id = ${orgId} and seq >= ${from}`,
  sql`update audit_logs set seq = -seq + ${by} where chain_id = ${orgId} and seq < 0`,
  sql`update audit_chains set seq = seq + ${by} where chain_id = ${orgId}`,
];

const putIn = (orgId: string, seq: number) => [
  ...shift(orgId, { from: seq, by: 1 }),
  sql`insert into audit_logs (org_id, chain_id, seq, prev_hash, hash, action, entity_type)
    select org_id, chain_id, ${seq}, hash, hash, 'forged', 'thing' from audit_logs where ${row(orgId, seq - 1)}`,
];

/** The ways of someone who may do everything to the tables but reckon the whole chain anew. */
export const TAMPERING_WAYS: readonly TamperingWay[] = [
  { name: 'value changed', kind: 'changed', statements: ({ orgId, seq }) => [change(orgId, seq)] },
  {
    name: 'hash recomputed for one row alone',
    kind: 'changed',
    statements: ({ orgId, seq }) => [change(orgId, seq), rehash(orgId, seq)],
  },
  {
    name: 'row deleted',
    kind: 'missing',
    statements: ({ orgId, seq }) => [sql`delete from audit_logs where ${row(orgId, seq)}`],
  },
  {
    name: 'row deleted and the rest numbered anew',
    kind: 'missing',
    statements: ({ orgId, seq }) => [
      sql`delete from audit_logs where ${row(orgId, seq)}`,
      ...shift(orgId, { from: seq, by: -1 }),
    ],
  },
  { name: 'row inserted', kind: 'inserted', statements: ({ orgId, seq }) => putIn(orgId, seq) },
  {
    name: 'row inserted and hashed',
    kind: 'inserted',
    statements: ({ orgId, seq }) => [...putIn(orgId, seq), rehash(orgId, seq)],
  },
  {
    name: 'two swapped',
    kind: 'order',
    statements: ({ orgId, seq }) => [
      sql`update audit_logs set seq = -1 where ${row(orgId, seq)}`,
      sql`update audit_logs set seq = ${seq} where ${row(orgId, seq + 10)}`,
      sql`update audit_logs set seq = ${seq + 10} where ${row(orgId, -1)}`,
    ],
  },
  {
    name: 'end cut off with its head',
    kind: 'truncated',
    statements: ({ orgId, seq }) => [
      sql`update audit_chains c set seq = l.seq, hash = l.hash from audit_logs l
        where c.chain_id = ${orgId} and l.chain_id = ${orgId} and l.seq = ${seq - 1}`,
      sql`delete from audit_logs where chain_id = ${orgId} and seq >= ${seq}`,
    ],
  },
];
