import {
  inAllOrganizations,
  insertTokenAsOperator,
  lockToken,
  type MetadataDatabase,
  NotFoundError,
  newId,
  type OperatorTransaction,
  type OrgId,
  recordOperatorAudit,
  revokeTokenFamily,
  rotateToken,
} from '@mad/core';
import { TokenRefusedError } from '../access/access-errors.ts';
import { type Principal, readPrincipal } from '../access/find-caller.ts';
import { requireObject } from '../access/require-object.ts';
import { isSameHash, newBearer, parseBearer } from '../access/token/bearer.ts';
import { UserDisabledError } from '../errors.ts';
import { RefreshTokenReusedError, RefreshTokenSpentError } from './identity-errors.ts';

const KIND = 'refresh';

/** What sessions work with. */
export interface SessionContext {
  readonly metadata: MetadataDatabase;
  /** How long a session lasts from its sign-in; exchanging its token does not prolong it. @default 30 days */
  readonly sessionMs?: number | undefined;
  /**
   * For how long a refresh token that was exchanged may come again without ending its session: a page opened twice. It is refused all the
   * same. Within this time a stolen copy that was used first is not noticed either. @default 0
   */
  readonly refreshGraceMs?: number | undefined;
}

/** The token by which a session goes on. */
export interface SessionToken {
  /** `mad_refresh_<id>_<secret>`: good for one exchange, and no caller by itself. */
  readonly refreshToken: string;
  /** When the session ends. */
  readonly expiresAt: Date;
}

/** A session whose token was exchanged. */
export interface RefreshedSession extends SessionToken {
  readonly userId: string;
  /** The user in the organization of the session, as they are now; undefined before one was chosen. */
  readonly principal: Principal | undefined;
}

/** Begins a session of a user who proved who they are. */
export async function openSession(
  tx: OperatorTransaction,
  { userId, sessionMs = 30 * 86_400_000 }: { readonly userId: string; readonly sessionMs?: number | undefined },
): Promise<SessionToken> {
  const session = { user_id: userId, org_id: null, family_id: newId(), expires_at: new Date(Date.now() + sessionMs) };
  return insertRefreshToken(tx, session);
}

/**
 * Exchanges a refresh token for its successor, in the organization named or that of the session. Of two exchanges of one token, also at once, the
 * first succeeds; the second ends the whole session, the first's successor with it, unless the context gives a grace. A failure other than that
 * leaves the token good.
 * @throws {TokenRefusedError} @throws {RefreshTokenReusedError} @throws {RefreshTokenSpentError}
 * @throws {NotFoundError} when the user is no member of the organization. @throws {OrganizationInactiveError}
 * @throws {UserDisabledError} @throws {MemberDisabledError}
 */
export async function refreshSession(
  context: SessionContext,
  request: { readonly refreshToken: string; readonly orgId?: OrgId | undefined },
): Promise<RefreshedSession> {
  const { refreshToken, orgId } = requireObject(request, 'session');
  const { metadata, refreshGraceMs = 0 } = context;
  // A reuse is an outcome and not an error in here: what it revokes must stay.
  const outcome = await inAllOrganizations(metadata, async (tx) => {
    const token = await lockRefreshToken(tx, refreshToken);
    if (token.expired) throw new TokenRefusedError();
    if (token.rotated_ms !== null) {
      if (token.rotated_ms <= refreshGraceMs) throw new RefreshTokenSpentError();
      await endReusedSession(tx, { userId: token.user_id, familyId: token.family_id ?? token.token_id });
      return undefined;
    }
    if (token.revoked) throw new TokenRefusedError();
    const { token_id, user_id: userId, family_id, expires_at } = token;
    const chosen = orgId ?? token.org_id;
    const principal = chosen === null ? undefined : await readPrincipal(tx, { orgId: chosen, userId });
    if (chosen !== null && principal === undefined) throw notTheirs(chosen);
    await requireEnabled(tx, userId);
    await rotateToken(tx, { tokenId: token_id });
    const session = { user_id: userId, org_id: chosen, family_id, expires_at };
    const next = { ...(await insertRefreshToken(tx, session)), userId, principal };
    if (chosen !== null && chosen !== token.org_id) await auditChoice(tx, { ...session, org_id: chosen });
    return next;
  });
  if (outcome === undefined) throw new RefreshTokenReusedError();
  return outcome;
}

/** As `refreshSession`, into one of the user's organizations: from then on the session acts there. The platform's trail tells of it (`session.choose`). */
export async function chooseOrganization(
  context: SessionContext,
  request: { readonly refreshToken: string; readonly orgId: OrgId },
): Promise<RefreshedSession & { readonly principal: Principal }> {
  const { principal, ...session } = await refreshSession(context, request);
  if (principal === undefined) throw notTheirs(request.orgId);
  return { ...session, principal };
}

/** Signs out: ends the session with every token of it. Ending it twice is ending it once. @throws {TokenRefusedError} for no refresh token of ours. */
export async function endSession(
  { metadata }: Pick<SessionContext, 'metadata'>,
  request: { readonly refreshToken: string },
): Promise<void> {
  const { refreshToken } = requireObject(request, 'session');
  await inAllOrganizations(metadata, async (tx) => {
    const { user_id: userId, family_id, token_id } = await lockRefreshToken(tx, refreshToken);
    const familyId = family_id ?? token_id;
    if ((await revokeTokenFamily(tx, { familyId })) === 0) return;
    await recordOperatorAudit(
      tx,
      { orgId: null, actor: userId },
      { action: 'session.end', entityType: 'user', entityId: userId, facts: { session: familyId } },
    );
  });
}

const notTheirs = (orgId: OrgId): NotFoundError =>
  new NotFoundError({
    entity: 'organization',
    id: orgId,
    where: 'the organizations of this user',
    hint: 'choose one of those that the sign-in listed',
  });

async function lockRefreshToken(tx: OperatorTransaction, bearer: string) {
  const parsed = parseBearer(bearer, KIND);
  if (parsed === undefined) throw new TokenRefusedError();
  const token = await lockToken(tx, { tokenId: parsed.id });
  const isProven = isSameHash(token?.secret_hash, parsed.secretHash);
  if (token === undefined || !isProven || token.kind !== KIND) throw new TokenRefusedError();
  return token;
}

async function requireEnabled(tx: OperatorTransaction, userId: string): Promise<void> {
  const user = await tx.selectFrom('users').select('enabled').where('user_id', '=', userId).executeTakeFirst();
  if (!user?.enabled) throw new UserDisabledError({ userId });
}

async function endReusedSession(
  tx: OperatorTransaction,
  { userId, familyId }: { readonly userId: string; readonly familyId: string },
): Promise<void> {
  if ((await revokeTokenFamily(tx, { familyId })) === 0) return;
  await recordOperatorAudit(
    tx,
    { orgId: null, actor: null },
    { action: 'session.reuse', entityType: 'user', entityId: userId, facts: { session: familyId } },
  );
}

function auditChoice(tx: OperatorTransaction, { user_id, org_id, family_id }: NewSessionToken): Promise<void> {
  return recordOperatorAudit(
    tx,
    { orgId: null, actor: user_id },
    {
      action: 'session.choose',
      entityType: 'user',
      entityId: user_id,
      facts: { session: family_id, organization: org_id },
    },
  );
}

interface NewSessionToken {
  readonly user_id: string;
  readonly org_id: string | null;
  readonly family_id: string | null;
  readonly expires_at: Date;
}

async function insertRefreshToken(tx: OperatorTransaction, session: NewSessionToken): Promise<SessionToken> {
  const { id, value, secretHash } = newBearer(KIND);
  await insertTokenAsOperator(tx, { ...session, token_id: id, kind: KIND, secret_hash: secretHash });
  return { refreshToken: value, expiresAt: session.expires_at };
}
