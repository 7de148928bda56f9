import type { JsonObject, OrgId } from '@mad/core';
import { CredentialMissingError, SecretsUnreachableError } from '../../errors.ts';
import type { ApiOperation } from '../../openapi/api-operation.ts';

/** What a service knows its callers by. A value of this kind is never logged, stored, or part of an error. */
export type Credential =
  | { readonly apiKey: string }
  | { readonly username: string; readonly password: string }
  /** Of schemes `bearer`, `oauth2` and `openIdConnect`; who renews it is the host. */
  | { readonly token: string };

export interface SecretRequest {
  /** Whose call it is; undefined for a client that a host opened for itself. */
  readonly orgId?: OrgId | undefined;
  /** The task's key; of a client the operation's id. */
  readonly scope: string;
  /** Name of the document's security scheme. */
  readonly scheme: string;
}

/** The host's store of secrets, asked for each call: what it gives may change at any time. */
export interface SecretsResolver {
  /** Undefined where there is none: then the operation's next alternative is tried. */
  resolve(request: SecretRequest): Promise<Credential | undefined>;
}

/** What a credential adds to a request. */
export interface Authentication {
  readonly headers: Readonly<Record<string, string>>;
  /** Pairs of the query, encoded. */
  readonly query: readonly string[];
  readonly cookies: readonly string[];
}

export const NO_AUTHENTICATION: Authentication = { headers: {}, query: [], cookies: [] };

export interface Authenticate extends Pick<ApiOperation, 'security'> {
  readonly secrets: SecretsResolver | undefined;
  readonly ask: Omit<SecretRequest, 'scheme'>;
}

/**
 * The first alternative of an operation's security for which the host has all credentials.
 * @throws {CredentialMissingError} when it has none, and the operation is not open to all.
 */
export async function authenticate({ security, secrets, ask }: Authenticate): Promise<Authentication> {
  if (security.length === 0) return NO_AUTHENTICATION;
  for (const alternative of security.filter(({ length }) => length > 0)) {
    const parts = await Promise.all(
      alternative.map(async ({ name, scheme }) => {
        const credential = await resolve(secrets, { ...ask, scheme: name });
        return credential && apply(scheme, credential);
      }),
    );
    const found = parts.filter((part) => part !== undefined);
    if (found.length === alternative.length) return found.reduce(join, NO_AUTHENTICATION);
  }
  if (security.some(({ length }) => length === 0)) return NO_AUTHENTICATION;
  const schemes = [...new Set(security.flatMap((alternative) => alternative.map(({ name }) => name)))];
  throw new CredentialMissingError({ scope: ask.scope, schemes });
}

async function resolve(secrets: SecretsResolver | undefined, request: SecretRequest): Promise<Credential | undefined> {
  try {
    return await secrets?.resolve(request);
  } catch {
    throw new SecretsUnreachableError({ scope: request.scope, scheme: request.scheme });
  }
}

const join = (one: Authentication, other: Authentication): Authentication => ({
  headers: { ...one.headers, ...other.headers },
  query: [...one.query, ...other.query],
  cookies: [...one.cookies, ...other.cookies],
});

/** Undefined where the credential is none of the scheme's kind. */
function apply(scheme: JsonObject, credential: Credential): Authentication | undefined {
  const { type, in: place, name: key, scheme: kind } = scheme;
  if (type === 'apiKey' && 'apiKey' in credential && typeof key === 'string') {
    const pair = `${encodeURIComponent(key)}=${encodeURIComponent(credential.apiKey)}`;
    if (place === 'query') return { ...NO_AUTHENTICATION, query: [pair] };
    if (place === 'cookie') return { ...NO_AUTHENTICATION, cookies: [pair] };
    return header(key.toLowerCase(), credential.apiKey);
  }
  const isBasic = type === 'http' && typeof kind === 'string' && kind.toLowerCase() === 'basic';
  if (isBasic && 'password' in credential) {
    const pair = Buffer.from(`${credential.username}:${credential.password}`).toString('base64');
    return header('authorization', `Basic ${pair}`);
  }
  const isBearer = type === 'oauth2' || type === 'openIdConnect' || (type === 'http' && !isBasic);
  return isBearer && 'token' in credential ? header('authorization', `Bearer ${credential.token}`) : undefined;
}

/** A credential that would end the line is none: undici's own refusal would show it. */
function header(name: string, value: string): Authentication | undefined {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(value) ? { ...NO_AUTHENTICATION, headers: { [name]: value } } : undefined;
}
