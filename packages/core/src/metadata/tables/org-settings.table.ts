import type { Insertable, Selectable, Updateable } from 'kysely';
import type { JsonbColumn } from '../../postgres/column-types.ts';

/** The table `org_settings`. */
export interface OrgSettingsTable {
  org_id: string;
  storage_bucket: string | null;
  storage_prefix: string | null;
  logs_backend: string | null;
  config: JsonbColumn;
}

/** A row of `org_settings`. */
export type OrgSettingsRow = Selectable<OrgSettingsTable>;
/** A row to insert into `org_settings`; columns with a default may be left out. */
export type NewOrgSettingsRow = Insertable<OrgSettingsTable>;
/** The columns of `org_settings` to change. */
export type OrgSettingsRowUpdate = Updateable<OrgSettingsTable>;
