import { type Caller, checkRequest, isUuid, newId, ValidationFailedError } from '@mad/core';
import { type CryptoKey, type JWTPayload, jwtVerify, type KeyObject, SignJWT } from 'jose';
import { z } from 'zod';
import { AccessTokenRefusedError } from '../access-errors.ts';
import type { Principal } from '../find-caller.ts';

/** Asymmetric signatures alone: a public key is never taken for the secret of an HMAC. */
export type AccessTokenAlgorithm = (typeof ALGORITHMS)[number];

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'] as const;

/** One key pair, or its public half for those who only verify. */
export interface AccessTokenKey {
  /** Names the key in the token's header; unique among the keys. */
  readonly kid: string;
  /** The one algorithm that this key is used with. */
  readonly algorithm: AccessTokenAlgorithm;
  readonly publicKey: CryptoKey | KeyObject;
  readonly privateKey?: CryptoKey | KeyObject | undefined;
}

/** How access tokens are signed and checked. To change keys, put the new one first and keep the old one until its last token has expired. */
export interface AccessTokenKeys {
  /** The `iss` of every token. */
  readonly issuer: string;
  /** The `aud` of every token. */
  readonly audience: string;
  /** The first signs; all verify. */
  readonly keys: readonly AccessTokenKey[];
}

/** For whom, and for how long. */
export interface IssueAccessToken {
  readonly principal: Principal;
  /** In seconds. A token cannot be revoked: keep it short. @default 300, at most 3_600 */
  readonly lifetimeSeconds?: number | undefined;
}

const TYPE = 'at+jwt';

const uuid = z.custom<string>(isUuid, 'expected a uuid');
const aKey = z.custom((value) => typeof value === 'object' && value !== null, 'expected a key');
const keyring = z.object({
  issuer: z.string(),
  audience: z.string(),
  keys: z.array(
    z.object({ kid: z.string(), algorithm: z.enum(ALGORITHMS), publicKey: aKey, privateKey: aKey.optional() }),
  ),
});
const issueRequest = z.object({
  principal: z.object({
    orgId: uuid,
    userId: uuid,
    roles: z.array(z.string()),
    permissions: z.set(z.string()),
    apiKeyId: uuid.optional(),
  }),
});

/**
 * Signs a JWT with the claims `sub` (the user's id), `org_id`, `roles`, `permissions`, `iss`, `aud`, `iat`, `exp` and `jti`: what the principal may do and no
 * more, so that one of an API key has its scopes and no roles, and names the key as `api_key`.
 * @throws {ValidationFailedError} when the first key has no private half, the lifetime is out of range, or the principal is none.
 */
export async function issueAccessToken(signing: AccessTokenKeys, issue: IssueAccessToken): Promise<string> {
  checkRequest(keyring, { subject: 'access token keys', value: signing });
  checkRequest(issueRequest, { subject: 'access token', value: issue });
  const { issuer, audience, keys } = signing;
  const { principal, lifetimeSeconds = 300 } = issue;
  const [key] = keys;
  if (key?.privateKey === undefined) throw invalid('/keys/0', 'expected a key with its private half');
  if (!Number.isInteger(lifetimeSeconds) || lifetimeSeconds < 1 || lifetimeSeconds > 3_600)
    throw invalid('/lifetimeSeconds', 'expected 1 to 3600');
  const { orgId, userId, roles, permissions, apiKeyId } = principal;
  return new SignJWT({ org_id: orgId, roles: [...roles], permissions: [...permissions].sort(), api_key: apiKeyId })
    .setProtectedHeader({ alg: key.algorithm, kid: key.kid, typ: TYPE })
    .setSubject(userId)
    .setIssuer(issuer)
    .setAudience(audience)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .setJti(newId())
    .sign(key.privateKey);
}

const claims = z.object({
  sub: z.string().refine(isUuid),
  org_id: z.string().refine(isUuid),
  roles: z.array(z.string()),
  permissions: z.array(z.string()),
  api_key: z.string().refine(isUuid).optional(),
  iat: z.number(),
  exp: z.number(),
});

/**
 * The caller of a token that one of these keys signed, as it was when the token was issued. Nothing is asked of a database: whoever lost a role
 * since keeps it until the token expires.
 * @throws {AccessTokenRefusedError}
 */
export async function verifyAccessToken(
  { issuer, audience, keys }: AccessTokenKeys,
  token: string,
): Promise<Principal & Caller & { readonly expiresAt: Date }> {
  const payload = await verify(token, { issuer, audience, keys });
  const { data, error } = claims.safeParse(payload);
  if (data === undefined) throw new AccessTokenRefusedError({ cause: error });
  return {
    orgId: data.org_id,
    userId: data.sub,
    roles: data.roles,
    permissions: new Set(data.permissions),
    ...(data.api_key !== undefined && { apiKeyId: data.api_key }),
    expiresAt: new Date(data.exp * 1000),
  };
}

async function verify(token: string, { issuer, audience, keys }: AccessTokenKeys): Promise<JWTPayload> {
  try {
    const { payload } = await jwtVerify(
      token,
      ({ kid, alg }) => {
        // The key decides on the algorithm, never the token.
        const key = keys.find((one) => one.kid === kid && one.algorithm === alg);
        if (key === undefined) throw new AccessTokenRefusedError();
        return key.publicKey;
      },
      { issuer, audience, typ: TYPE, algorithms: [...ALGORITHMS], requiredClaims: ['exp', 'iat', 'sub'] },
    );
    return payload;
  } catch (cause) {
    throw new AccessTokenRefusedError({ cause });
  }
}

function invalid(pointer: string, message: string): ValidationFailedError {
  return new ValidationFailedError({ subject: 'access token', issues: [{ pointer, message }] });
}
