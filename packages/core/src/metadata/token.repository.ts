import { type SqlBool, sql } from 'kysely';
import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import {
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
import type { OwnedRow } from './owned-row.ts';
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

/** The token while it is neither revoked nor expired, by the database's clock, and belongs to a user who is enabled. */
export function findValidToken(
  tx: OperatorTransaction,
  { tokenId }: { readonly tokenId: string },
): Promise<TokenRow | undefined> {
  return tx
    .selectFrom('tokens')
    .innerJoin('users', 'users.user_id', 'tokens.user_id')
    .selectAll('tokens')
    .where('tokens.token_id', '=', rowId(tokenId))
    .where('tokens.revoked', '=', false)
    .where('users.enabled', '=', true)
    .where(sql<SqlBool>`tokens.expires_at > now()`)
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

/** Writes a token of the organization. `secret_hash` is the SHA-256 of the secret part; the bearer value is kept nowhere. */
export function insertToken(tx: OrganizationTransaction, token: OwnedRow<NewTokenRow>): Promise<TokenRow> {
  return insert(tx, { ...token, org_id: organizationOf(tx) });
}

/** Writes a token that names no organization, such as a refresh token before one was chosen. It opens none by itself. */
export function insertUnscopedToken(tx: OperatorTransaction, token: OwnedRow<NewTokenRow>): Promise<TokenRow> {
  return insert(tx, { ...token, org_id: null });
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
