import {
  checkRequest,
  deleteIdentityProvider,
  getIdentityProvider,
  inAllOrganizations,
  insertIdentityProvider,
  type JsonObject,
  type MetadataDatabase,
  NotFoundError,
  type OperatorTransaction,
  recordOperatorAudit,
  storableText,
  updateIdentityProvider,
  ValidationFailedError,
} from '@mad/core';
import { z } from 'zod';
import { type ProviderConfig, providerConfig } from './provider-config.ts';

/** An OpenID Connect provider that users of the platform may sign in by. */
export interface AddIdentityProvider {
  /** For people, 1 to 200 characters. */
  readonly name: string;
  /** The host's word for it, such as `azure_ad` or `google`. */
  readonly kind: string;
  readonly config: ProviderConfig;
  /** The user who does it, null for a program. */
  readonly actor: string | null;
}

const actor = z.uuid().nullable();
const kind = z.string().regex(/^[a-z][a-z0-9_]{0,49}$/);
const addition = z.strictObject({ name: storableText(200), kind, config: providerConfig, actor });
const removal = z.object({ providerId: z.string(), actor });
const change = z.strictObject({
  providerId: z.uuid(),
  name: storableText(200).optional(),
  config: providerConfig.optional(),
  actor,
});

/** Adds a provider; its secret stays with the host. @throws {ValidationFailedError} */
export async function addIdentityProvider(
  { metadata }: { readonly metadata: MetadataDatabase },
  provider: AddIdentityProvider,
): Promise<{ readonly providerId: string }> {
  checkRequest(addition, { subject: 'identity provider', value: provider });
  const { actor, name, kind } = provider;
  const config = toJson(provider.config);
  return inAllOrganizations(metadata, async (tx) => {
    const { provider_id: providerId } = await insertIdentityProvider(tx, { name, kind, config });
    const after = { name, kind, config };
    await audit(tx, { providerId, actor }, { action: 'identity_provider.create', after, facts: { name } });
    return { providerId };
  });
}

/**
 * Changes a provider for sign-ins that begin or end from now on. Its issuer stays: the same subject of another issuer is somebody else.
 * @throws {ValidationFailedError} @throws {NotFoundError}
 */
export async function setIdentityProvider(
  { metadata }: { readonly metadata: MetadataDatabase },
  request: Partial<Pick<AddIdentityProvider, 'name' | 'config'>> & {
    readonly providerId: string;
    readonly actor: string | null;
  },
): Promise<void> {
  checkRequest(change, { subject: 'identity provider', value: request });
  const { providerId, actor, name, config } = request;
  await inAllOrganizations(metadata, async (tx) => {
    const before = await getIdentityProvider(tx, { providerId });
    if (config && before.config.issuer !== config.issuer) {
      const message = 'expected the issuer as it is: add another provider for another issuer';
      throw new ValidationFailedError({
        subject: 'identity provider',
        issues: [{ pointer: '/config/issuer', message }],
      });
    }
    const set = { ...(name === undefined ? {} : { name }), ...(config ? { config: toJson(config) } : {}) };
    const after = await updateIdentityProvider(tx, { providerId, set });
    await audit(
      tx,
      { providerId, actor },
      {
        action: 'identity_provider.update',
        before: { name: before.name, config: before.config },
        after: { name: after.name, config: after.config },
        facts: { name: after.name },
      },
    );
  });
}

/** Removes a provider with every link to a user by it; the users stay. @throws {ValidationFailedError} @throws {NotFoundError} */
export async function removeIdentityProvider(
  { metadata }: { readonly metadata: MetadataDatabase },
  request: { readonly providerId: string; readonly actor: string | null },
): Promise<void> {
  checkRequest(removal, { subject: 'identity provider', value: request });
  const { providerId, actor } = request;
  await inAllOrganizations(metadata, async (tx) => {
    if (!(await deleteIdentityProvider(tx, { providerId })))
      throw new NotFoundError({ entity: 'identity provider', id: providerId, where: 'this platform' });
    await audit(tx, { providerId, actor }, { action: 'identity_provider.delete', before: { there: true } });
  });
}

interface ProviderChange {
  readonly action: string;
  readonly before?: JsonObject;
  readonly after?: JsonObject;
  readonly facts?: JsonObject;
}

function audit(
  tx: OperatorTransaction,
  { providerId, actor }: { readonly providerId: string; readonly actor: string | null },
  change: ProviderChange,
): Promise<void> {
  return recordOperatorAudit(
    tx,
    { orgId: null, actor },
    { ...change, entityType: 'identity_provider', entityId: providerId },
  );
}

const toJson = (config: ProviderConfig): JsonObject => JSON.parse(JSON.stringify(config)) as JsonObject;
