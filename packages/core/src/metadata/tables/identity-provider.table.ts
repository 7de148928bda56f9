import type { Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { JsonbColumn } from '../../postgres/column-types.ts';

/** The table `identity_providers`. */
export interface IdentityProviderTable {
  provider_id: Generated<string>;
  name: string;
  kind: string;
  config: JsonbColumn;
}

/** A row of `identity_providers`. */
export type IdentityProviderRow = Selectable<IdentityProviderTable>;
/** A row to insert into `identity_providers`; columns with a default may be left out. */
export type NewIdentityProviderRow = Insertable<IdentityProviderTable>;
/** The columns of `identity_providers` to change. */
export type IdentityProviderRowUpdate = Updateable<IdentityProviderTable>;
