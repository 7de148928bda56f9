import type { OrgDatabaseRow, OrgId, Placement } from '@mad/core';

/** Where an organization's Results DB is, as its row in `org_databases` says. */
export interface ResultsDatabasePlace {
  readonly orgId: OrgId;
  readonly placement: Placement;
  readonly cluster: string;
  /** Undefined: the cluster's default database. */
  readonly database: string | undefined;
  readonly schema: string;
}

/** The place for a new Results DB. Its name comes from the id, never from the organization's name: two long names can be cut to one. */
export function placeResultsDatabase({
  orgId,
  placement,
  cluster,
}: Pick<ResultsDatabasePlace, 'orgId' | 'placement' | 'cluster'>): ResultsDatabasePlace {
  const name = `mad_results_${orgId.replaceAll('-', '').toLowerCase()}`;
  const where = placement === 'database' ? { database: name, schema: 'public' } : { database: undefined, schema: name };
  return { orgId, placement, cluster, ...where };
}

/** The place that the directory of Results DBs names. */
export function toPlace(row: OrgDatabaseRow): ResultsDatabasePlace {
  const { org_id, placement, cluster, database_name, schema_name } = row;
  return { orgId: org_id, placement, cluster, database: database_name ?? undefined, schema: schema_name };
}
