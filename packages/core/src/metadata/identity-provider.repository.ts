import { newId, rowId } from '../ids.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { idBeforePage } from './keyset.ts';
import type { OperatorTransaction } from './metadata-database.ts';
import { isEmpty } from './owned-row.ts';
import type {
  IdentityProviderRow,
  IdentityProviderRowUpdate,
  NewIdentityProviderRow,
} from './tables/identity-provider.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'identity provider';
const where = 'this platform';

interface ById {
  readonly providerId: string;
}

/** A provider that users sign in by. */
export function findIdentityProvider(
  tx: OperatorTransaction,
  { providerId }: ById,
): Promise<IdentityProviderRow | undefined> {
  return tx
    .selectFrom('identity_providers')
    .selectAll()
    .where('provider_id', '=', rowId(providerId))
    .executeTakeFirst();
}

/** As `findIdentityProvider`, for a row that must be there. @throws {NotFoundError} */
export async function getIdentityProvider(tx: OperatorTransaction, { providerId }: ById): Promise<IdentityProviderRow> {
  return found(await findIdentityProvider(tx, { providerId }), { entity, id: providerId, where });
}

/** All providers, newest first. */
export async function listIdentityProviders(
  tx: OperatorTransaction,
  request: PageRequest = {},
): Promise<Page<IdentityProviderRow>> {
  const rows = await tx
    .selectFrom('identity_providers')
    .selectAll()
    .where('provider_id', '<', idBeforePage(request))
    .orderBy('provider_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.provider_id]);
}

/** `config` names a secret that the host resolves; it never holds one. */
export function insertIdentityProvider(
  tx: OperatorTransaction,
  provider: NewIdentityProviderRow,
): Promise<IdentityProviderRow> {
  const row = { ...provider, provider_id: provider.provider_id ?? newId() };
  return translateRefusal({ entity, id: row.provider_id }, () =>
    tx.insertInto('identity_providers').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes the provider for the next sign-in. @throws {NotFoundError} */
export async function updateIdentityProvider(
  tx: OperatorTransaction,
  { providerId, set }: ById & { readonly set: Omit<IdentityProviderRowUpdate, 'provider_id'> },
): Promise<IdentityProviderRow> {
  if (isEmpty(set)) return getIdentityProvider(tx, { providerId });
  const row = await tx
    .updateTable('identity_providers')
    .set(set)
    .where('provider_id', '=', rowId(providerId))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id: providerId, where });
}

/** Removes the provider with every identity linked by it. Returns false when there was none. */
export async function deleteIdentityProvider(tx: OperatorTransaction, { providerId }: ById): Promise<boolean> {
  const { numDeletedRows } = await tx
    .deleteFrom('identity_providers')
    .where('provider_id', '=', rowId(providerId))
    .executeTakeFirstOrThrow();
  return numDeletedRows > 0n;
}
