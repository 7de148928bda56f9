import { type Selectable, sql } from 'kysely';
import { newId, type OrgId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import type { HashedAuditLog } from './audit-hash.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { AuditLogRow, AuditLogTable, NewAuditLogRow } from './tables/audit-log.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'audit log';

/** The chain of what names no organization. */
export const PLATFORM_CHAIN_ID = '00000000-0000-0000-0000-000000000000';

const toAuditLog = (row: Selectable<AuditLogTable>): AuditLogRow => ({ ...row, seq: Number(row.seq) });

/** An entry of the audit trail. */
export async function findAuditLog(
  tx: MetadataTransaction,
  { auditId }: { readonly auditId: string },
): Promise<AuditLogRow | undefined> {
  const row = await tx.selectFrom('audit_logs').selectAll().where('audit_id', '=', rowId(auditId)).executeTakeFirst();
  return row && toAuditLog(row);
}

/** As `findAuditLog`, for a row that must be there. @throws {NotFoundError} */
export async function getAuditLog(
  tx: MetadataTransaction,
  { auditId }: { readonly auditId: string },
): Promise<AuditLogRow> {
  return found(await findAuditLog(tx, { auditId }), { entity, id: auditId });
}

export interface ListAuditLogs extends PageRequest {
  /** The organization that the entry was written for, `PLATFORM_CHAIN_ID` for the platform's own. */
  readonly chainId?: string | undefined;
  /** Who did it, also when the user is deleted. */
  readonly userId?: string | undefined;
  readonly action?: string | undefined;
  readonly entityType?: string | undefined;
  readonly entityId?: string | undefined;
  /** Written then or later. */
  readonly from?: Date | undefined;
  /** Written before then. */
  readonly to?: Date | undefined;
}

/** The audit trail, newest first. */
export async function listAuditLogs(tx: MetadataTransaction, request: ListAuditLogs = {}): Promise<Page<AuditLogRow>> {
  const { chainId, userId, action, entityType, entityId, from, to } = request;
  let query = tx.selectFrom('audit_logs').selectAll().where('audit_id', '<', idBeforePage(request));
  if (chainId !== undefined) query = query.where('chain_id', '=', rowId(chainId));
  if (userId !== undefined) query = query.where(sql`metadata->'actor'->>'user_id'`, '=', rowId(userId).toLowerCase());
  if (action !== undefined) query = query.where('action', '=', action);
  if (entityType !== undefined) query = query.where('entity_type', '=', entityType);
  if (entityId !== undefined) query = query.where('entity_id', '=', entityId);
  if (from !== undefined) query = query.where('ts', '>=', from);
  if (to !== undefined) query = query.where('ts', '<', to);
  const rows = await query
    .orderBy('audit_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows.map(toAuditLog), request, (row) => [row.audit_id]);
}

/** A row as its hash is reckoned, with what the hash does not cover. */
export interface ChainedAuditLog extends HashedAuditLog {
  readonly hash: string;
  readonly org_id: string | null;
  readonly user_id: string | null;
  /** Who `metadata.actor` says it was. */
  readonly actor_id: string | null;
}

export interface ListAuditChain {
  readonly chainId: string;
  /** The row that the list begins behind: its number, and its id where the table was robbed of its key and numbers are there twice. Absent: the beginning. */
  readonly after?: { readonly seq: number; readonly auditId: string } | undefined;
  readonly limit: number;
}

/** The rows of a chain in its order, as verifying it needs them. */
export async function listAuditChain(
  tx: MetadataTransaction,
  { chainId, after, limit }: ListAuditChain,
): Promise<readonly ChainedAuditLog[]> {
  const behind = after ? sql`and (l.seq, l.audit_id) > (${after.seq}, ${after.auditId})` : sql``;
  const { rows } = await sql<Omit<ChainedAuditLog, 'seq'> & { readonly seq: string }>`
    select chain_id, seq::text as seq, prev_hash, audit_id, (extract(epoch from ts) * 1000000)::bigint::text as ts_us, action, entity_type,
      entity_id, metadata::text as metadata_text, hash, org_id, user_id, metadata->'actor'->>'user_id' as actor_id
    from audit_logs l where chain_id = ${rowId(chainId)} ${behind} order by l.seq, l.audit_id limit ${limit}`.execute(
    tx,
  );
  return rows.map((row) => ({ ...row, seq: Number(row.seq) }));
}

/** Where a chain stands: the number and the hash of its last row. */
export interface AuditChainHead {
  readonly seq: number;
  readonly hash: string;
}

/** The end of a chain in one view of the database, however many add to it. */
export interface AuditChainEnd {
  /** Undefined where nothing was ever written. */
  readonly head: AuditChainHead | undefined;
  /** The number of the last row that is there, 0 for none. */
  readonly lastSeq: number;
  /** A row that names the organization and is in another chain or in none. */
  readonly strayId: string | undefined;
}

/** The head of the chain and its last row. */
export async function readAuditChainEnd(
  tx: MetadataTransaction,
  { chainId }: { readonly chainId: string },
): Promise<AuditChainEnd> {
  const id = rowId(chainId);
  const astray =
    id === PLATFORM_CHAIN_ID ? sql`chain_id is null` : sql`org_id = ${id} and chain_id is distinct from ${id}`;
  const { rows } = await sql<{ seq: string | null; hash: string | null; last: string; stray: string | null }>`
    select h.seq::text as seq, h.hash, coalesce((select max(seq) from audit_logs where chain_id = ${id}), 0)::text as last,
      (select audit_id from audit_logs where ${astray} limit 1) as stray
    from (select) one left join audit_chains h on h.chain_id = ${id}`.execute(tx);
  const [row] = rows;
  const head = row && row.seq !== null && row.hash !== null ? { seq: Number(row.seq), hash: row.hash } : undefined;
  return { head, lastSeq: Number(row?.last ?? 0), strayId: row?.stray ?? undefined };
}

/** What happened, without the database's part: the time is its own. */
export type AuditEntry = Omit<OwnedRow<NewAuditLogRow>, 'ts'>;

/**
 * Adds an entry for good, in the transaction of what it tells. The database copies the actor's id and e-mail into `metadata.actor`, so that
 * they outlive the user, and links the entry to the one before. Until the transaction ends, others that add an entry for the same organization
 * wait, those of other organizations never: add it last. A transaction that adds entries for several organizations does so in the order of their ids.
 */
export function insertAuditLog(tx: OrganizationTransaction, entry: AuditEntry): Promise<AuditLogRow> {
  return insert(tx, { ...entry, org_id: organizationOf(tx) });
}

/** The same for an entry about an organization, or about the platform where `orgId` is null. */
export function insertOperatorAuditLog(
  tx: OperatorTransaction,
  { orgId, entry }: { readonly orgId: OrgId | null; readonly entry: AuditEntry },
): Promise<AuditLogRow> {
  return insert(tx, { ...entry, org_id: orgId });
}

async function insert(tx: MetadataTransaction, entry: NewAuditLogRow): Promise<AuditLogRow> {
  const row = { ...entry, audit_id: entry.audit_id ?? newId() };
  const written = await translateRefusal({ entity, id: row.audit_id }, () =>
    tx.insertInto('audit_logs').values(row).returningAll().executeTakeFirstOrThrow(),
  );
  return toAuditLog(written);
}
