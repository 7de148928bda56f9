import { inAllOrganizations, type MetadataDatabase, type OrgId } from '@mad/core';
import type { Clusters } from '@mad/tenancy';
import { CommandUsageError } from '../errors.ts';

export interface RequireClusters {
  readonly clusters: Clusters;
  /** @default every active organization */
  readonly orgId: OrgId | undefined;
}

/** Without the way to a cluster each of its organizations would be reported, though nothing is wrong with them. @throws {CommandUsageError} */
export async function requireClusters(metadata: MetadataDatabase, { clusters, orgId }: RequireClusters): Promise<void> {
  const rows = await inAllOrganizations(metadata, (tx) => {
    const query = tx
      .selectFrom('org_databases')
      .innerJoin('organizations', 'organizations.org_id', 'org_databases.org_id')
      .select('cluster')
      .distinct()
      .where('organizations.status', '=', 'active')
      .orderBy('cluster');
    return (orgId === undefined ? query : query.where('organizations.org_id', '=', orgId)).execute();
  });
  const missing = rows.flatMap(({ cluster }) => (Object.hasOwn(clusters, cluster) ? [] : [cluster]));
  if (missing.length === 0) return;
  const passed = Object.keys(clusters);
  throw new CommandUsageError({
    option: '--cluster',
    expected: `${missing.map((name) => `${name}=url`).join(' and ')} here or in MAD_CLUSTERS, since org_databases names ${missing.length === 1 ? 'it' : 'them'}`,
    got: passed.length === 0 ? 'none' : `only ${passed.join(', ')}`,
  });
}
