import {
  findTokenHolder,
  inAllOrganizations,
  type Logger,
  type MetadataDatabase,
  OrganizationInactiveError,
  silentLogger,
  touchToken,
} from '@mad/core';
import { UserDisabledError } from '../../errors.ts';
import { TokenRefusedError } from '../access-errors.ts';
import type { Principal } from '../find-caller.ts';
import { commonPermissions } from '../permission-sets.ts';
import { isSameHash, parseBearer } from './bearer.ts';
import type { TokenMemory } from './token-memory.ts';

/** What authentication works with. */
export interface AuthenticationContext {
  readonly metadata: MetadataDatabase;
  /** Spares the look-up of a token that was proven a moment ago. @default none: a revoked key is refused at once */
  readonly memory?: TokenMemory | undefined;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

/**
 * The caller that an API key stands for: its holder in its organization, with those of its scopes that the holder's roles still give, and no roles. One round
 * trip to the Metadata DB, none where the memory knows the key. The key's last use is noted afterwards, once a minute at most; a failure of
 * that is logged and refuses nobody.
 * @throws {TokenRefusedError} for whatever is no API key in force, also one whose holder is no active member any more.
 * @throws {UserDisabledError} @throws {OrganizationInactiveError}
 */
export async function authenticate(context: AuthenticationContext, bearer: string): Promise<Principal> {
  const { metadata, memory, logger = silentLogger } = context;
  const parsed = parseBearer(bearer, 'api_key');
  if (parsed === undefined) throw new TokenRefusedError();
  const known = memory?.find(bearer);
  if (known) return known;

  const provenAt = performance.now();
  const holder = await findTokenHolder(metadata, { tokenId: parsed.id });
  const isProven = isSameHash(holder?.secret_hash, parsed.secretHash);
  if (!isProven || holder?.kind !== 'api_key' || holder.valid_ms <= 0 || holder.org_id === null)
    throw new TokenRefusedError();
  const { user_id: userId, org_id: orgId, status } = holder;
  if (status !== 'active') throw new OrganizationInactiveError({ orgId, status: status ?? 'unknown' });
  if (!holder.enabled) throw new UserDisabledError({ userId });
  if (!holder.member) throw new TokenRefusedError();

  const permissions = commonPermissions(holder.scopes, holder.permissions);
  // A role would say more than the key may do.
  const principal: Principal = { orgId, userId, permissions, roles: [], apiKeyId: parsed.id };
  memory?.keep(bearer, principal, { provenAt, validMs: holder.valid_ms });
  if (holder.stale) {
    inAllOrganizations(metadata, (tx) => touchToken(tx, { tokenId: parsed.id })).catch(() =>
      logger.warn({ tokenId: parsed.id }, 'the last use of a token could not be noted'),
    );
  }
  return principal;
}
