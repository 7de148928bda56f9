import { MadError } from '@mad/core';

/** Thrown when nobody signs in by this e-mail and password. It is not told why: unknown, wrong, without a password, disabled, or tried too often. */
export class SignInFailedError extends MadError {
  static override readonly code = 'MAD_TENANCY_SIGN_IN_FAILED';
  constructor() {
    super({
      message: 'nobody signs in by this e-mail and password; check both, or wait some minutes after many attempts',
    });
  }
}

/** Thrown when a refresh token is used that was exchanged before: a copy of it is about, so its whole session was ended. Sign in again. */
export class RefreshTokenReusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_REFRESH_TOKEN_REUSED';
  constructor() {
    super({ message: 'this refresh token was exchanged before, and its session was ended for that; sign in again' });
  }
}

/** Thrown when a refresh token comes a second time within the host's grace: the session goes on by the token that the first exchange gave. */
export class RefreshTokenSpentError extends MadError {
  static override readonly code = 'MAD_TENANCY_REFRESH_TOKEN_SPENT';
  constructor() {
    super({ message: 'this refresh token was exchanged a moment ago; go on with the one that this gave' });
  }
}

/** Thrown when a sign-in by an identity provider is not what was begun: state, nonce, code, signature, issuer, or too late. Begin again. */
export class ProviderSignInFailedError extends MadError {
  static override readonly code = 'MAD_TENANCY_PROVIDER_SIGN_IN_FAILED';
  constructor({ reason, cause }: { reason: string; cause?: unknown }) {
    super({
      message: `the sign-in by the identity provider failed (${reason}); begin it again`,
      details: { reason },
      cause,
    });
  }
}

/** Thrown when an identity provider does not answer, or not as OpenID Connect has it. The same call may succeed later. */
export class ProviderUnreachableError extends MadError {
  static override readonly code = 'MAD_TENANCY_PROVIDER_UNREACHABLE';
  static override readonly retryable = true;
  constructor({ providerId, cause }: { providerId: string; cause: unknown }) {
    super({
      message: `identity provider ${providerId} gave no acceptable answer; check its issuer, and that the host may reach it`,
      details: { providerId },
      cause,
    });
  }
}

/** Why nobody signs in by a proven identity. `email_unusable`: the address is not printable ASCII, as those of users are. */
export type UnlinkedReason = 'unknown' | 'email_missing' | 'email_unusable' | 'email_unverified' | 'email_taken';

/** Thrown when a provider proved who somebody is, and that is no user here: the provider neither links by e-mail nor makes users, or the address does not allow it. */
export class IdentityUnlinkedError extends MadError {
  static override readonly code = 'MAD_TENANCY_IDENTITY_UNLINKED';
  constructor({ providerId, reason }: { providerId: string; reason: UnlinkedReason }) {
    super({
      message: `this identity of provider ${providerId} belongs to no user (${reason}); sign in another way and link it, or ask for an invitation`,
      details: { providerId, reason },
    });
  }
}
