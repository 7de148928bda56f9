export { findCaller } from './access/find-caller.ts';
export {
  type GrantedPermission,
  PERMISSIONS,
  type Permission,
  SEEDED_ROLES,
  type SeededRole,
} from './access/permissions.ts';
export * from './errors.ts';
export {
  type OrganizationQuotas,
  type ProvisionedOrganization,
  type ProvisioningContext,
  type ProvisioningStep,
  type ProvisionOrganization,
  provisionOrganization,
} from './organization/provision-organization.ts';
export type { Cluster, Clusters, EmbeddedCluster, PostgresCluster } from './results-database/cluster.ts';
export { createResultsDatabases, type ResultsDatabasesOptions } from './results-database/create-results-databases.ts';
