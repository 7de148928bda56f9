import {
  authorize,
  type Caller,
  checkRequest,
  findToken,
  inOrganization,
  insertToken,
  listTokens,
  type MetadataDatabase,
  NotFoundError,
  type Page,
  type PageRequest,
  PermissionDeniedError,
  recordAudit,
  revokeToken,
  storableText,
  type TokenRow,
} from '@mad/core';
import { z } from 'zod';
import { ApiKeyRefusedError } from '../access-errors.ts';
import { authorizeNow } from '../authorize-now.ts';
import { covers, isGrantable } from '../permission-sets.ts';
import { requireHeld } from '../require-held.ts';
import { requireObject } from '../require-object.ts';
import { newBearer } from './bearer.ts';

const KIND = 'api_key';
const DAY = 86_400_000;

/** The key to make, for the caller themselves. */
export interface CreateApiKey {
  /** For people, 1 to 200 characters. */
  readonly name: string;
  /** What the key may do: at least one permission, each held by the caller. Later it may do what is left of these in its holder's roles. */
  readonly scopes: readonly string[];
  /** @default 90 days, at most 366 */
  readonly expiresInMs?: number | undefined;
}

/** An API key as lists show it. */
export interface ApiKey {
  readonly tokenId: string;
  /** Who acts by it. */
  readonly userId: string;
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: Date;
  readonly expiresAt: Date;
  readonly revoked: boolean;
  /** To a minute; null before the first use. */
  readonly lastUsedAt: Date | null;
}

/** A key that was just made. */
export interface CreatedApiKey extends ApiKey {
  /** `mad_api_key_<id>_<secret>`: shown this once, and kept nowhere. */
  readonly bearer: string;
}

const request = z.strictObject({
  name: storableText(200),
  scopes: z
    .array(
      z
        .string()
        .max(100)
        .refine(isGrantable, 'expected a permission that exists, with :own only where rows have an owner'),
    )
    .min(1)
    .max(100),
  expiresInMs: z
    .int()
    .positive()
    .max(366 * DAY)
    .optional(),
});

/**
 * Makes an API key by which its maker acts in this organization, within its scopes. Needs `token.manage`, or `token.manage:own`. A key makes none: what it
 * made would outlive it.
 * @throws {ApiKeyRefusedError} for a caller that came by an API key. @throws {PermissionDeniedError} also for a caller that is no user. @throws {ValidationFailedError}
 * @throws {GrantRefusedError} for a scope that the caller does not hold.
 */
export async function createApiKey(
  metadata: MetadataDatabase,
  caller: Caller,
  key: CreateApiKey,
): Promise<CreatedApiKey> {
  const { userId } = caller;
  const mayMake = (who: Caller) => authorize(who, 'token.manage', { ownerId: userId });
  mayMake(caller);
  if (userId === null) throw new PermissionDeniedError({ permission: 'token.manage:own' });
  if (caller.apiKeyId !== undefined) throw new ApiKeyRefusedError({ tokenId: caller.apiKeyId });
  checkRequest(request, { subject: 'API key', value: key });
  const bearer = newBearer(KIND);
  const row = await inOrganization(metadata, caller.orgId, async (tx) => {
    requireHeld(await authorizeNow(tx, caller, mayMake), key.scopes);
    const made = await insertToken(tx, {
      token_id: bearer.id,
      user_id: userId,
      kind: KIND,
      name: key.name,
      scopes: [...new Set(key.scopes)].sort(),
      secret_hash: bearer.secretHash,
      expires_at: new Date(Date.now() + (key.expiresInMs ?? 90 * DAY)),
    });
    const { name, scopes } = toApiKey(made);
    await recordAudit(tx, caller, {
      action: 'token.create',
      entityType: 'token',
      entityId: bearer.id,
      after: { kind: KIND, name, scopes: [...scopes] },
      facts: { name, scopes: [...scopes] },
    });
    return made;
  });
  return { ...toApiKey(row), bearer: bearer.value };
}

/**
 * API keys of the organization, newest first, revoked and expired ones too: all with `token.manage`, the caller's own with `token.manage:own`.
 * @throws {PermissionDeniedError}
 */
export async function listApiKeys(
  metadata: MetadataDatabase,
  caller: Caller,
  page: PageRequest & { readonly userId?: string | undefined } = {},
): Promise<Page<ApiKey>> {
  requireObject(page, 'page');
  const own = caller.userId !== null && covers(caller.permissions, 'token.manage:own') ? caller.userId : undefined;
  const seesAll = caller.permissions.has('token.manage');
  if (!seesAll && (own === undefined || (page.userId !== undefined && page.userId !== own)))
    authorize(caller, 'token.manage');
  const userId = seesAll ? page.userId : own;
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const { items, ...rest } = await listTokens(tx, { limit: page.limit, cursor: page.cursor, kind: KIND, userId });
    return { items: items.map(toApiKey), ...rest };
  });
}

/**
 * Ends a key for good. Processes that remember tokens refuse it two seconds later at most. Revoking twice is revoking once. Needs `token.manage`,
 * or `token.manage:own` for one's own.
 * @throws {PermissionDeniedError} @throws {NotFoundError}
 */
export async function revokeApiKey(
  metadata: MetadataDatabase,
  caller: Caller,
  revoked: { readonly tokenId: string },
): Promise<void> {
  if (!covers(caller.permissions, 'token.manage:own')) authorize(caller, 'token.manage');
  const { tokenId } = requireObject(revoked, 'API key');
  await inOrganization(metadata, caller.orgId, async (tx) => {
    const row = await findToken(tx, { tokenId });
    const key = row?.kind === KIND ? row : undefined;
    await authorizeNow(tx, caller, (now) => authorize(now, 'token.manage', { ownerId: key?.user_id ?? null }));
    if (key === undefined) throw new NotFoundError({ entity: 'API key', id: tokenId });
    if (key.revoked) return;
    await revokeToken(tx, { tokenId });
    await recordAudit(tx, caller, {
      action: 'token.revoke',
      entityType: 'token',
      entityId: tokenId,
      before: { revoked: false },
      after: { revoked: true },
      facts: { name: key.name },
    });
  });
}

function toApiKey(row: TokenRow): ApiKey {
  return {
    tokenId: row.token_id,
    userId: row.user_id,
    name: row.name ?? '',
    scopes: row.scopes,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
    revoked: row.revoked,
    lastUsedAt: row.last_used_at,
  };
}
