import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { JsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

/** Only the reserved system organization is `system`. */
export type OrganizationStatus = 'provisioning' | 'active' | 'suspended' | 'deleting' | 'deleted' | 'failed' | 'system';

/** The table `organizations`. */
export interface OrganizationTable {
  org_id: Generated<string>;
  name: string;
  status: ColumnType<OrganizationStatus, OrganizationStatus | undefined, OrganizationStatus>;
  quotas: JsonbColumn;
  created_at: TimestampColumn;
}

/** A row of `organizations`. */
export type OrganizationRow = Selectable<OrganizationTable>;
/** A row to insert into `organizations`; columns with a default may be left out. */
export type NewOrganizationRow = Insertable<OrganizationTable>;
/** The columns of `organizations` to change. */
export type OrganizationRowUpdate = Updateable<OrganizationTable>;
