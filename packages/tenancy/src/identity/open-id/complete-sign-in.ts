import { ConflictError, checkRequest, findSqlState, inAllOrganizations, SQLSTATE } from '@mad/core';
import {
  AuthorizationResponseError,
  authorizationCodeGrant,
  ClientError,
  fetchUserInfo,
  ResponseBodyError,
} from 'openid-client';
import { z } from 'zod';
import { IdentityUnlinkedError, ProviderSignInFailedError, ProviderUnreachableError } from '../identity-errors.ts';
import { enter, type SignedIn } from '../sign-in.ts';
import type { PendingSignIn } from './begin-sign-in.ts';
import { findOrLinkUser, type ProvenIdentity } from './find-or-link-user.ts';
import { type OpenIdContext, openProvider, type ProviderClient } from './provider-client.ts';

export interface CompleteSignIn {
  /** What `beginSignIn` gave, from where the host kept it for this browser. Forget it whatever comes of this call. */
  readonly pending: PendingSignIn;
  /** The address that the browser came back to, with its query. */
  readonly callbackUrl: string;
}

const request = z.strictObject({
  callbackUrl: z.url().max(20_000),
  pending: z.strictObject({
    providerId: z.uuid(),
    redirectUri: z.url(),
    state: z.string().min(20),
    nonce: z.string().min(20),
    codeVerifier: z.string().min(43),
    linkTo: z.uuid().nullable(),
    expiresAt: z.iso.datetime(),
  }),
});

/**
 * Signs in who comes back from the provider: the user whom its subject is linked to; else, where the provider's config says so and the provider
 * calls the address verified, the user of that address, who is linked now, or a new user without a password.
 * @throws {ProviderSignInFailedError} when state, nonce, code, signature or time are not those of this sign-in, or the provider refused it.
 * @throws {IdentityUnlinkedError} @throws {UserDisabledError} @throws {ProviderUnreachableError} @throws {ValidationFailedError}
 * @throws {ConflictError} when an identity that is to be linked belongs to another user.
 */
export async function completeSignIn(context: OpenIdContext, complete: CompleteSignIn): Promise<SignedIn> {
  checkRequest(request, { subject: 'sign-in', value: complete });
  const { pending } = complete;
  if (Date.parse(pending.expiresAt) <= Date.now()) throw new ProviderSignInFailedError({ reason: 'expired' });
  const provider = await openProvider(context, pending);
  const identity = await proveIdentity(provider, complete);
  const finish = () =>
    inAllOrganizations(context.metadata, async (tx) => {
      const user = await findOrLinkUser(tx, { identity, config: provider.config, linkTo: pending.linkTo });
      const by = { method: 'open_id', provider: pending.providerId };
      return enter(tx, { user, sessionMs: context.sessionMs, by });
    });
  try {
    return await finish();
  } catch (error) {
    const isTaken = error instanceof ConflictError && findSqlState(error.cause) === SQLSTATE.uniqueViolation;
    const lostRace = isTaken || (error instanceof IdentityUnlinkedError && error.details.reason === 'email_taken');
    if (!lostRace) throw error;
    // Another first sign-in of the same identity may have made its user since: now it is there to be found.
    return finish();
  }
}

async function proveIdentity(
  { client }: ProviderClient,
  { pending, callbackUrl }: CompleteSignIn,
): Promise<ProvenIdentity> {
  const { providerId, redirectUri, state, nonce, codeVerifier } = pending;
  // Behind a proxy the host may see another address than the provider was given.
  const url = new URL(redirectUri);
  url.search = new URL(callbackUrl).search;
  try {
    const tokens = await authorizationCodeGrant(client, url, {
      expectedState: state,
      expectedNonce: nonce,
      pkceCodeVerifier: codeVerifier,
      idTokenExpected: true,
    });
    const claims = tokens.claims();
    if (claims === undefined) throw new ProviderSignInFailedError({ reason: 'no_id_token' });
    const { sub: subject } = claims;
    // Many providers tell of the address by the user info alone.
    const told =
      claims.email === undefined && client.serverMetadata().userinfo_endpoint
        ? await fetchUserInfo(client, tokens.access_token, subject)
        : claims;
    const email = typeof told.email === 'string' ? told.email : null;
    return { providerId, subject, email, emailVerified: told.email_verified === true };
  } catch (cause) {
    throw toSignInError(providerId, cause);
  }
}

function toSignInError(providerId: string, cause: unknown): Error {
  if (cause instanceof ProviderSignInFailedError) return cause;
  if (cause instanceof AuthorizationResponseError) return failed(cause.error, cause);
  if (cause instanceof ResponseBodyError && cause.status < 500) return failed(cause.error, cause);
  if (cause instanceof ClientError && !['OAUTH_TIMEOUT', 'OAUTH_ABORT'].includes(cause.code ?? ''))
    return failed(cause.code ?? 'refused', cause);
  return new ProviderUnreachableError({ providerId, cause });
}

/** The provider's word for it, as far as it is one. */
function failed(reason: string, cause: unknown): ProviderSignInFailedError {
  return new ProviderSignInFailedError({ reason: /^[\w.-]{1,60}$/.test(reason) ? reason : 'refused', cause });
}
