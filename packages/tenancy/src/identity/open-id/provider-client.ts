import { getIdentityProvider, inAllOrganizations, ValidationFailedError } from '@mad/core';
import {
  allowInsecureRequests,
  ClientSecretBasic,
  ClientSecretPost,
  type Configuration,
  type CustomFetch,
  customFetch,
  discovery,
  enableNonRepudiationChecks,
  None,
} from 'openid-client';
import { ProviderUnreachableError } from '../identity-errors.ts';
import type { SessionContext } from '../session.ts';
import { type ProviderConfig, providerConfig } from './provider-config.ts';

/** What signing in by an identity provider works with. */
export interface OpenIdContext extends SessionContext {
  /** The client's secret of this name, from where the host keeps it. */
  readonly secrets: (name: string) => string | Promise<string>;
  /** Every request to a provider goes through it: a host limits there which addresses are reached. @default globalThis.fetch */
  readonly fetch?: CustomFetch | undefined;
  /** In milliseconds, for each request. @default 10_000 */
  readonly requestTimeoutMs?: number | undefined;
  /** True: providers at `http:` too, for one on this machine. @default false */
  readonly allowHttp?: boolean | undefined;
}

export interface ProviderClient {
  readonly client: Configuration;
  readonly config: ProviderConfig;
}

/**
 * The provider as it describes itself now, with this platform as its client.
 * @throws {NotFoundError} @throws {ProviderUnreachableError} @throws {ValidationFailedError} when the row's config is no OpenID Connect one.
 */
export async function openProvider(
  context: OpenIdContext,
  { providerId }: { readonly providerId: string },
): Promise<ProviderClient> {
  const { metadata, fetch, requestTimeoutMs = 10_000, allowHttp = false } = context;
  const row = await inAllOrganizations(metadata, (tx) => getIdentityProvider(tx, { providerId }));
  const { data: config } = providerConfig.safeParse(row.config);
  if (config === undefined) throw invalid('/config', 'expected the config of an OpenID Connect provider');
  if (!allowHttp && !config.issuer.startsWith('https://'))
    throw invalid('/config/issuer', 'expected https:, or allowHttp in the context, for a provider on this machine');
  try {
    const client = await discovery(new URL(config.issuer), config.client_id, undefined, await authOf(config, context), {
      timeout: requestTimeoutMs / 1000,
      // Signatures of ID tokens are checked too, not only the connection they came by.
      execute: allowHttp ? [allowInsecureRequests, enableNonRepudiationChecks] : [enableNonRepudiationChecks],
      ...(fetch && { [customFetch]: fetch }),
    });
    return { client, config };
  } catch (cause) {
    throw new ProviderUnreachableError({ providerId, cause });
  }
}

function invalid(pointer: string, message: string): ValidationFailedError {
  return new ValidationFailedError({ subject: 'identity provider', issues: [{ pointer, message }] });
}

async function authOf({ client_secret, client_auth }: ProviderConfig, { secrets }: OpenIdContext) {
  if (client_secret === undefined) return None();
  const secret = await secrets(client_secret);
  return client_auth === 'client_secret_post' ? ClientSecretPost(secret) : ClientSecretBasic(secret);
}
