import { type SqlBool, sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { explainRoleFailure } from './explain-role-failure.ts';
import { idBeforePage } from './keyset.ts';
import { getMember } from './membership.repository.ts';
import {
  type MetadataDatabase,
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
import type { OrganizationStatus } from './tables/organization.table.ts';
import type { NewTokenRow, TokenRow } from './tables/token.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'token';

/** A token: of the organization, or in an operator's transaction any. */
export function findToken(
  tx: MetadataTransaction,
  { tokenId }: { readonly tokenId: string },
): Promise<TokenRow | undefined> {
  return tx.selectFrom('tokens').selectAll().where('token_id', '=', rowId(tokenId)).executeTakeFirst();
}

/** As `findToken`, for a row that must be there. @throws {NotFoundError} */
export async function getToken(tx: MetadataTransaction, { tokenId }: { readonly tokenId: string }): Promise<TokenRow> {
  return found(await findToken(tx, { tokenId }), { entity, id: tokenId });
}

/** A token with who holds it and what they may do in its organization, as all of it is now. */
export interface TokenHolder {
  readonly user_id: string;
  readonly org_id: string | null;
  readonly kind: string;
  readonly secret_hash: string | null;
  readonly scopes: readonly string[];
  /** For how many milliseconds the token stays valid, by the database's clock; 0 or less for one that is revoked or has expired. */
  readonly valid_ms: number;
  /** Its last use was noted more than a minute ago, or never. */
  readonly stale: boolean;
  /** Whether the user is enabled. */
  readonly enabled: boolean;
  /** Null where the token names no organization. */
  readonly status: OrganizationStatus | null;
  /** Whether the user is a member there, and not disabled. */
  readonly member: boolean;
  /** Of all roles that the user holds there, each once. */
  readonly permissions: readonly string[];
}

/**
 * The token with its holder, in one statement and so in one round trip; it opens no transaction.
 * @throws {MetadataRoleError} when the login may not take the operator's role, naming the GRANT that is missing.
 */
export async function findTokenHolder(
  db: MetadataDatabase,
  { tokenId }: { readonly tokenId: string },
): Promise<TokenHolder | undefined> {
  try {
    const { rows } = await sql<TokenHolder>`select * from mad_token_holder(${rowId(tokenId)}::uuid)`.execute(db);
    return rows[0];
  } catch (cause) {
    throw await explainRoleFailure(db, { role: 'mad_operator', cause });
  }
}

/** The token, locked until the transaction ends: of two who exchange it at once, the second sees what the first did. */
export function lockToken(
  tx: OperatorTransaction,
  { tokenId }: { readonly tokenId: string },
): Promise<(TokenRow & { readonly expired: boolean; readonly rotated_ms: number | null }) | undefined> {
  return tx
    .selectFrom('tokens')
    .selectAll()
    .select([
      sql<boolean>`expires_at <= now()`.as('expired'),
      // The clock's time and not the transaction's: that began before the lock was had.
      sql<number | null>`(extract(epoch from clock_timestamp() - rotated_at) * 1000)::double precision`.as(
        'rotated_ms',
      ),
    ])
    .where('token_id', '=', rowId(tokenId))
    .forUpdate()
    .executeTakeFirst();
}

export interface ListTokens extends PageRequest {
  readonly userId?: string | undefined;
  readonly kind?: string | undefined;
}

/** Tokens, newest first, revoked and expired ones too. */
export async function listTokens(tx: MetadataTransaction, request: ListTokens = {}): Promise<Page<TokenRow>> {
  let query = tx.selectFrom('tokens').selectAll().where('token_id', '<', idBeforePage(request));
  if (request.userId !== undefined) query = query.where('user_id', '=', rowId(request.userId));
  if (request.kind !== undefined) query = query.where('kind', '=', request.kind);
  const rows = await query
    .orderBy('token_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.token_id]);
}

/**
 * Writes a token of one of the organization's members. `secret_hash` is the SHA-256 of the secret part; the bearer value is kept nowhere.
 * @throws {NotFoundError} for anybody else, whether or not there is such a user.
 */
export async function insertToken(tx: OrganizationTransaction, token: OwnedRow<NewTokenRow>): Promise<TokenRow> {
  await getMember(tx, { userId: token.user_id });
  return insert(tx, { ...token, org_id: organizationOf(tx) });
}

/** Writes a token that names no organization, such as a refresh token before one was chosen. It opens none by itself. */
export function insertUnscopedToken(tx: OperatorTransaction, token: OwnedRow<NewTokenRow>): Promise<TokenRow> {
  return insert(tx, { ...token, org_id: null });
}

/** Writes a token of the organization that it names, or of none. */
export function insertTokenAsOperator(tx: OperatorTransaction, token: NewTokenRow): Promise<TokenRow> {
  return insert(tx, token);
}

/** Ends the token for good; revoking twice is revoking once. @throws {NotFoundError} */
export async function revokeToken(
  tx: MetadataTransaction,
  { tokenId }: { readonly tokenId: string },
): Promise<TokenRow> {
  const row = await tx
    .updateTable('tokens')
    .set({ revoked: true })
    .where('token_id', '=', rowId(tokenId))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id: tokenId });
}

/** Ends a refresh token because its successor was made. */
export async function rotateToken(tx: OperatorTransaction, { tokenId }: { readonly tokenId: string }): Promise<void> {
  await tx
    .updateTable('tokens')
    .set({ revoked: true, rotated_at: sql<Date>`clock_timestamp()` })
    .where('token_id', '=', rowId(tokenId))
    .execute();
}

/** Ends every token of a family for good; returns how many were still open. */
export function revokeTokenFamily(
  tx: OperatorTransaction,
  { familyId }: { readonly familyId: string },
): Promise<number> {
  return revokeWhere(tx, { family_id: rowId(familyId) });
}

/** Ends a user's tokens for good: in an organization's transaction those of that organization. Returns how many were still open. */
export function revokeUserTokens(
  tx: MetadataTransaction,
  { userId, kind }: { readonly userId: string; readonly kind?: string | undefined },
): Promise<number> {
  return revokeWhere(tx, { user_id: rowId(userId), ...(kind === undefined ? {} : { kind }) });
}

async function revokeWhere(
  tx: MetadataTransaction,
  columns: Partial<Pick<TokenRow, 'family_id' | 'user_id' | 'kind'>>,
): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('tokens')
    .set({ revoked: true })
    .where((eb) => eb.and(columns))
    .where('revoked', '=', false)
    .executeTakeFirstOrThrow();
  return Number(numUpdatedRows);
}

/** Notes that the token was used now, at most once a minute: a busy key does not rewrite its row on every call. */
export async function touchToken(tx: MetadataTransaction, { tokenId }: { readonly tokenId: string }): Promise<void> {
  await tx
    .updateTable('tokens')
    .set({ last_used_at: sql<Date>`now()` })
    .where('token_id', '=', rowId(tokenId))
    .where(sql<SqlBool>`(last_used_at is null or last_used_at < now() - interval '1 minute')`)
    .execute();
}

/** Returns false when the transaction sees no such token. */
export async function deleteToken(
  tx: MetadataTransaction,
  { tokenId }: { readonly tokenId: string },
): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('tokens')
    .where('token_id', '=', rowId(tokenId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}

function insert(tx: MetadataTransaction, token: NewTokenRow): Promise<TokenRow> {
  const row = { ...token, token_id: token.token_id ?? newId() };
  return translateRefusal({ entity, id: row.token_id }, () =>
    tx.insertInto('tokens').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}
