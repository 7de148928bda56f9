import type { ColumnType, Generated, Insertable, Selectable, Updateable } from 'kysely';
import type { NullableJsonbColumn, TimestampColumn } from '../../postgres/column-types.ts';

export type Placement = 'database' | 'schema';

export type OrgDatabaseState = 'provisioning' | 'ready' | 'migrating' | 'moving' | 'failed' | 'deleting' | 'deleted';

/** What is being done with a Results DB across several calls: `move_back` undoes a move, `move_drop` drops the place left behind. */
export type OrgDatabaseTransition = 'move' | 'move_back' | 'move_drop' | 'restore' | 'offboard';

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
  transition: OrgDatabaseTransition | null;
  /** The transition it belongs to: a call that another one has overtaken changes nothing any more. */
  transition_id: string | null;
  /** The other place of a move: where it goes to; with `move_drop`, where it came from. */
  other_placement: Placement | null;
  other_cluster: string | null;
  other_database_name: string | null;
  other_schema_name: string | null;
}

/** A row of `org_databases`. */
export type OrgDatabaseRow = Selectable<OrgDatabaseTable>;
/** A row to insert into `org_databases`; columns with a default may be left out. */
export type NewOrgDatabaseRow = Insertable<OrgDatabaseTable>;
/** The columns of `org_databases` to change. */
export type OrgDatabaseRowUpdate = Updateable<OrgDatabaseTable>;
