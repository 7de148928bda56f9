import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

export type Placement = 'database' | 'schema';

export type OrgDatabaseState = 'provisioning' | 'ready' | 'migrating' | 'failed' | 'deleting' | 'deleted';

/** Where an organization's Results DB is. Holds no credentials: `cluster` is a name that the host resolves. */
export interface OrgDatabaseTable {
  org_id: string;
  placement: Placement;
  cluster: string;
  /** Null where a schema lies in the one database the cluster's connection leads to. */
  database_name: string | null;
  schema_name: Generated<string>;
  state: ColumnType<OrgDatabaseState, OrgDatabaseState | undefined, OrgDatabaseState>;
  /** Name of the newest migration of the results track that was applied there. */
  schema_version: string | null;
  error: NullableJsonbColumn;
  updated_at: TimestampColumn;
}

/** A row of `org_databases`. */
export type OrgDatabaseRow = Selectable<OrgDatabaseTable>;
/** A row to insert into `org_databases`; columns with a default may be left out. */
export type NewOrgDatabaseRow = Insertable<OrgDatabaseTable>;
/** The columns of `org_databases` to change. */
export type OrgDatabaseRowUpdate = Updateable<OrgDatabaseTable>;
