import { checkRequest } from '@mad/core';
import {
  buildAuthorizationUrl,
  calculatePKCECodeChallenge,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { z } from 'zod';
import { type OpenIdContext, openProvider } from './provider-client.ts';

/** How long somebody may take at the provider. */
const LIFETIME_MS = 10 * 60_000;

export interface BeginSignIn {
  readonly providerId: string;
  /** Where the provider sends the browser back to, registered there. */
  readonly redirectUri: string;
  /** The user who is signed in and links this identity to their account. @default none: whoever comes back signs in */
  readonly linkTo?: string | undefined;
}

/**
 * What the host keeps until the browser comes back: in its session of this very browser, or in a cookie that it encrypts and authenticates; for one
 * use. Plain JSON. The browser never reads `codeVerifier` or `nonce`.
 */
export interface PendingSignIn {
  readonly providerId: string;
  readonly redirectUri: string;
  readonly state: string;
  readonly nonce: string;
  readonly codeVerifier: string;
  readonly linkTo: string | null;
  /** ISO 8601; ten minutes from the beginning. */
  readonly expiresAt: string;
}

const request = z.strictObject({
  providerId: z.uuid(),
  redirectUri: z.url({ protocol: /^https?$/ }).max(2_000),
  linkTo: z.uuid().optional(),
});

/**
 * Begins a sign-in by an identity provider: the host sends the browser to `url` and keeps `pending`. Authorization code flow with PKCE (S256),
 * state and nonce.
 * @throws {ValidationFailedError} @throws {NotFoundError} @throws {ProviderUnreachableError}
 */
export async function beginSignIn(
  context: OpenIdContext,
  begin: BeginSignIn,
): Promise<{ readonly url: string; readonly pending: PendingSignIn }> {
  checkRequest(request, { subject: 'sign-in', value: begin });
  const { providerId, redirectUri, linkTo = null } = begin;
  const { client, config } = await openProvider(context, { providerId });
  const [state, nonce, codeVerifier] = [randomState(), randomNonce(), randomPKCECodeVerifier()];
  const url = buildAuthorizationUrl(client, {
    redirect_uri: redirectUri,
    scope: config.scope ?? 'openid email',
    state,
    nonce,
    code_challenge: await calculatePKCECodeChallenge(codeVerifier),
    code_challenge_method: 'S256',
  });
  const expiresAt = new Date(Date.now() + LIFETIME_MS).toISOString();
  return { url: url.href, pending: { providerId, redirectUri, state, nonce, codeVerifier, linkTo, expiresAt } };
}
