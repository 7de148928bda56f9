import {
  inAllOrganizations,
  type JsonObject,
  listIdentityProviders,
  type MetadataDatabase,
  type Page,
  type PageRequest,
} from '@mad/core';
import { requireObject } from '../../access/require-object.ts';

/** A provider that users of the platform may sign in by. */
export interface IdentityProvider {
  readonly providerId: string;
  /** For people. */
  readonly name: string;
  /** The host's word for it. */
  readonly kind: string;
  /** Names and choices, never a secret; of a provider of OpenID Connect a `ProviderConfig`. */
  readonly config: JsonObject;
}

/** The identity providers of the platform, newest first: for its operator, and for the page on which people sign in. */
export async function findIdentityProviders(
  { metadata }: { readonly metadata: MetadataDatabase },
  page: PageRequest = {},
): Promise<Page<IdentityProvider>> {
  requireObject(page, 'page');
  return inAllOrganizations(metadata, async (tx) => {
    const { items, ...rest } = await listIdentityProviders(tx, page);
    const providers = items.map(({ provider_id: providerId, name, kind, config }) => ({
      providerId,
      name,
      kind,
      config,
    }));
    return { items: providers, ...rest };
  });
}
