import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { JsonColumn, TimestampColumn } from './column-types.ts';

/** Only the reserved system organization is `system`. */
export type OrganizationStatus = 'provisioning' | 'active' | 'suspended' | 'deleting' | 'deleted' | 'failed' | 'system';

/** The table `organizations`. */
export interface OrganizationTable {
  org_id: Generated<string>;
  name: string;
  status: ColumnType<OrganizationStatus, OrganizationStatus | undefined, OrganizationStatus>;
  quotas: JsonColumn;
  created_at: TimestampColumn;
}

/** A row of `organizations`. */
export type Organization = Selectable<OrganizationTable>;
/** A row to insert into `organizations`; columns with a default may be left out. */
export type NewOrganization = Insertable<OrganizationTable>;
/** The columns of `organizations` to change. */
export type OrganizationUpdate = Updateable<OrganizationTable>;
