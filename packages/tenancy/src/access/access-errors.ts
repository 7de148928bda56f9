import { MadError } from '@mad/core';

/** Thrown when a bearer token is not accepted: malformed, unknown, of another kind, expired or revoked. It is not told which: sign in again, or make a new key. */
export class TokenRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_TOKEN_REFUSED';
  constructor() {
    super({ message: 'this token is not valid; sign in again, or use an API key that is neither revoked nor expired' });
  }
}

/** Thrown when an access token fails any check: signature, key, algorithm, issuer, audience, time or claims. Get a new one by the refresh token. */
export class AccessTokenRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_ACCESS_TOKEN_REFUSED';
  constructor({ cause }: { cause?: unknown } = {}) {
    super({ message: 'this access token is not valid; get a new one by the refresh token', cause });
  }
}

/** Thrown when an API key would make another, which would go on after it was revoked or has expired. Sign in, and make the key as the user. */
export class ApiKeyRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_API_KEY_REFUSED';
  constructor({ tokenId }: { tokenId: string }) {
    super({
      message: `API key ${tokenId} makes no API keys; sign in, and make the key as the user`,
      details: { tokenId },
    });
  }
}

/** Thrown when an invitation is not accepted: malformed, unknown, expired, revoked or accepted before. Ask for a new one. */
export class InvitationRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_INVITATION_REFUSED';
  constructor() {
    super({ message: 'this invitation is not valid any more; ask an administrator of the organization for a new one' });
  }
}

/** Thrown when a member acts in an organization that disabled them. An administrator of it can let them in again. */
export class MemberDisabledError extends MadError {
  static override readonly code = 'MAD_TENANCY_MEMBER_DISABLED';
  constructor({ orgId, userId }: { orgId: string; userId: string }) {
    super({
      message: `user ${userId} is disabled in organization ${orgId}; an administrator of it can reactivate the member`,
      details: { orgId, userId },
    });
  }
}

/** Thrown when a change would leave an organization without an administrator who may act. Make another member one first. */
export class LastAdminError extends MadError {
  static override readonly code = 'MAD_TENANCY_LAST_ADMIN';
  constructor({ orgId }: { orgId: string }) {
    super({
      message: `organization ${orgId} would be left without an administrator; give another member the role admin first`,
      details: { orgId },
    });
  }
}

/** Thrown when somebody would hand out more than they hold themselves. `details.permissions` lists what they lack. */
export class GrantRefusedError extends MadError {
  static override readonly code = 'MAD_TENANCY_GRANT_REFUSED';
  constructor({ permissions }: { permissions: readonly string[] }) {
    super({
      message: `nobody hands out what they do not hold themselves: ${permissions.slice(0, 5).join(', ')}; ask somebody who holds it`,
      details: { permissions },
    });
  }
}

/** Thrown when the role `admin` of an organization, or a role of all organizations, would be changed or removed. Make a role of another name. */
export class RoleProtectedError extends MadError {
  static override readonly code = 'MAD_TENANCY_ROLE_PROTECTED';
  constructor({ role }: { role: string }) {
    super({ message: `the role ${role} is not changed; make a role of another name`, details: { role } });
  }
}
