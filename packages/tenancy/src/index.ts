export * from './access/access-errors.ts';
export { findCaller, type Principal } from './access/find-caller.ts';
export {
  type AcceptedInvitation,
  type AcceptInvitation,
  type AcceptingContext,
  acceptInvitation,
} from './access/member/accept-invitation.ts';
export { disableMember, type MemberOf, reactivateMember, removeMember } from './access/member/end-membership.ts';
export { findMembers, type OrganizationMember } from './access/member/find-members.ts';
export {
  type CreatedInvitation,
  type Invitation,
  type InviteMember,
  inviteMember,
  listMemberInvitations,
  revokeInvitation,
} from './access/member/invite-member.ts';
export { type SetMemberRoles, setMemberRoles } from './access/member/set-member-roles.ts';
export { findRoles, type OrganizationRole } from './access/role/find-roles.ts';
export { type DefineRole, defineRole, removeRole, setRolePermissions } from './access/role/roles.ts';
export { SEEDED_ROLES, type SeededRole } from './access/seeded-roles.ts';
export {
  type AccessTokenAlgorithm,
  type AccessTokenKey,
  type AccessTokenKeys,
  type IssueAccessToken,
  issueAccessToken,
  verifyAccessToken,
} from './access/token/access-token.ts';
export {
  type ApiKey,
  type CreateApiKey,
  type CreatedApiKey,
  createApiKey,
  listApiKeys,
  revokeApiKey,
} from './access/token/api-keys.ts';
export { type AuthenticationContext, authenticate } from './access/token/authenticate.ts';
export { createTokenMemory, type TokenMemory } from './access/token/token-memory.ts';
export type { ArchiveProgress } from './archive/archive-writer.ts';
export { type AuditAnchor, auditAnchor } from './audit/audit-anchor.ts';
export type { AuditReader } from './audit/audit-reader.ts';
export { type AuditRecord, type ListAudit, listAudit } from './audit/list-audit.ts';
export type { AuditTampering, AuditTamperingKind } from './audit/tampering.ts';
export { type AuditVerification, type VerifyAudit, verifyAudit } from './audit/verify-audit.ts';
export * from './errors.ts';
export type { FleetWave } from './fleet/assign-waves.ts';
export type { FleetContext } from './fleet/fleet-context.ts';
export type { FleetProgress } from './fleet/fleet-progress.ts';
export { type BehindOrganization, type ListBehind, listBehind } from './fleet/list-behind.ts';
export { type FailedOrganization, type FleetMigrationOutcome, migrateFleet } from './fleet/migrate-fleet.ts';
export type { MigrateFleet } from './fleet/parse-migrate-fleet.ts';
export { type PauseFleetMigration, pauseFleetMigration } from './fleet/pause-fleet-migration.ts';
export * from './identity/identity-errors.ts';
export { type BeginSignIn, beginSignIn, type PendingSignIn } from './identity/open-id/begin-sign-in.ts';
export { type CompleteSignIn, completeSignIn } from './identity/open-id/complete-sign-in.ts';
export { findIdentityProviders, type IdentityProvider } from './identity/open-id/find-identity-providers.ts';
export type { OpenIdContext } from './identity/open-id/provider-client.ts';
export type { ProviderConfig } from './identity/open-id/provider-config.ts';
export {
  type AddIdentityProvider,
  addIdentityProvider,
  removeIdentityProvider,
  setIdentityProvider,
} from './identity/open-id/providers.ts';
export { createPasswordHasher, type PasswordCost, type PasswordHasher } from './identity/password.ts';
export {
  chooseOrganization,
  endSession,
  type RefreshedSession,
  refreshSession,
  type SessionContext,
  type SessionToken,
} from './identity/session.ts';
export {
  type SignedIn,
  type SignedInOrganization,
  type SignIn,
  type SignInContext,
  signIn,
} from './identity/sign-in.ts';
export type { SignInLimits } from './identity/sign-in-limits.ts';
export {
  createUser,
  type DisableUser,
  disableUser,
  type OfUser,
  reactivateUser,
  setPassword,
  type UsersContext,
} from './identity/users.ts';
export {
  type ExportContext,
  type ExportOrganization,
  exportOrganization,
  type OrganizationArchive,
} from './organization/export-organization.ts';
export {
  type FindOrganizations,
  type FoundOrganization,
  findOrganizations,
} from './organization/find-organizations.ts';
export {
  type MoveContext,
  type MovedOrganization,
  type MoveOrganization,
  type MoveStep,
  moveOrganization,
} from './organization/move-organization.ts';
export {
  type OffboardedOrganization,
  type OffboardingContext,
  type OffboardingStep,
  type OffboardOrganization,
  offboardOrganization,
} from './organization/offboard-organization.ts';
export type { OrganizationContext } from './organization/organization-context.ts';
export {
  type ProvisionedOrganization,
  type ProvisioningContext,
  type ProvisioningStep,
  type ProvisionOrganization,
  provisionOrganization,
} from './organization/provision-organization.ts';
export {
  type RestoreContext,
  type RestoredOrganization,
  type RestoreOrganization,
  type RestoreStep,
  restoreOrganization,
} from './organization/restore-organization.ts';
export {
  type ChangeOrganizationStatus,
  reactivateOrganization,
  suspendOrganization,
} from './organization/suspend-organization.ts';
export { type TakeBackOrganization, takeBackOrganization } from './organization/take-back-organization.ts';
export {
  createQuotas,
  type OrganizationQuotas,
  type QuotasOptions,
  type QuotaUsage,
  readQuotas,
  setQuotas,
} from './quota/quotas.ts';
export type { Cluster, Clusters, EmbeddedCluster, PostgresCluster } from './results-database/cluster.ts';
export { createResultsDatabases, type ResultsDatabasesOptions } from './results-database/create-results-databases.ts';
export { type FindOrphans, findOrphans, type Orphan } from './results-database/find-orphans.ts';
export {
  type DrainWarmPool,
  drainWarmPool,
  type FillWarmPool,
  fillWarmPool,
  type WarmPoolContext,
} from './warm-pool/warm-pool.ts';
