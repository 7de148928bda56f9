export {
  deleteArtifact,
  findArtifact,
  getArtifact,
  insertArtifact,
  type ListArtifacts,
  listArtifacts,
  updateArtifact,
} from './artifact.repository.ts';
export { auditHash, FIRST_PREV_HASH, type HashedAuditLog } from './audit-hash.ts';
export {
  type AuditChainEnd,
  type AuditChainHead,
  type AuditEntry,
  type ChainedAuditLog,
  findAuditLog,
  getAuditLog,
  insertAuditLog,
  insertOperatorAuditLog,
  type ListAuditChain,
  type ListAuditLogs,
  listAuditChain,
  listAuditLogs,
  PLATFORM_CHAIN_ID,
  readAuditChainEnd,
} from './audit-log.repository.ts';
export { checkMetadataRole, type MetadataRole } from './check-metadata-role.ts';
export { isEmailAddress } from './email-address.ts';
export {
  type AddFleetOrganizations,
  addFleetOrganizations,
  type ClaimedOrganization,
  type ClaimFleetOrganizations,
  claimFleetOrganizations,
  countFleetOrganizations,
  countOrganizationsBehind,
  dropUnreachable,
  type FleetCount,
  type FleetOutcome,
  findOpenFleetMigration,
  finishFleetOrganizations,
  insertFleetMigration,
  type ListFleetOrganizations,
  listFleetOrganizations,
  listOrganizationsBehind,
  listOrganizationsToAdd,
  lockFleet,
  lockFleetMigration,
  type OrganizationBehind,
  renewFleetClaims,
  updateFleetMigration,
} from './fleet-migration.repository.ts';
export {
  deleteIdentity,
  findIdentity,
  findIdentityBySubject,
  findUserByAssertion,
  getIdentity,
  insertIdentity,
  type ListIdentities,
  listIdentities,
  type ProviderAssertion,
  updateIdentity,
} from './identity.repository.ts';
export {
  deleteIdentityProvider,
  findIdentityProvider,
  getIdentityProvider,
  insertIdentityProvider,
  listIdentityProviders,
  updateIdentityProvider,
} from './identity-provider.repository.ts';
export {
  closeInvitation,
  findInvitation,
  getInvitation,
  insertInvitation,
  listInvitations,
  lockOpenInvitation,
  type RevokedInvitations,
  revokeInvitations,
} from './invitation.repository.ts';
export {
  countJobsMeta,
  deleteJobMeta,
  findJobMeta,
  getJobMeta,
  type JobMetaFilter,
  type JobMetaMirror,
  listJobsMeta,
  mirrorJobsMeta,
  replaceJobMeta,
} from './job-meta.repository.ts';
export {
  deleteJobSchedule,
  type FinishScheduleTick,
  findJobSchedule,
  finishScheduleTick,
  getJobSchedule,
  insertJobSchedule,
  type ListDueJobSchedules,
  type ListJobSchedules,
  listDueJobSchedules,
  listJobSchedules,
  type NoteScheduleError,
  noteScheduleError,
  updateJobSchedule,
} from './job-schedule.repository.ts';
export {
  countAdmins,
  deleteMembership,
  deleteMembershipRole,
  findMember,
  getMember,
  insertMembership,
  insertMembershipAsOperator,
  insertMembershipRole,
  insertMembershipRoleAsOperator,
  listAdministered,
  listMemberPermissions,
  listMemberRoles,
  listMembers,
  listUserOrganizations,
  lockAdmins,
  type Member,
  setMembershipDisabled,
  type UserOrganization,
} from './membership.repository.ts';
export {
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  type MetadataTransaction,
  type OperatorTransaction,
  type OrganizationTransaction,
  organizationOf,
} from './metadata-database.ts';
export { metadataTrack, migrateMetadata } from './metadata-track.ts';
export {
  deleteMolecule,
  findMolecule,
  getMolecule,
  insertMolecule,
  type ListMolecules,
  listMoleculeChecksums,
  listMolecules,
  updateMolecule,
} from './molecule.repository.ts';
export { openMetadataDatabase } from './open-metadata-database.ts';
export {
  deleteOrgDatabase,
  findOrgDatabase,
  getOrgDatabase,
  insertOrgDatabase,
  type ListOrgDatabases,
  listOrgDatabases,
  updateOrgDatabase,
} from './org-database.repository.ts';
export {
  deleteOrgSettings,
  findOrgSettings,
  getOrgSettings,
  insertOrgSettings,
  listOrgSettings,
  updateOrgSettings,
} from './org-settings.repository.ts';
export {
  deleteOrganization,
  findOrganization,
  findOrganizationByName,
  getOrganization,
  insertOrganization,
  listActiveOrganizationIds,
  listOrganizations,
  updateOrganization,
} from './organization.repository.ts';
export {
  deletePipeline,
  findPipeline,
  findPipelineByName,
  getPipeline,
  insertPipeline,
  type ListedPipelineRow,
  type ListPipelines,
  listPipelines,
  updatePipeline,
} from './pipeline.repository.ts';
export {
  deletePipelineTemplate,
  findPipelineTemplate,
  getPipelineTemplate,
  insertPipelineTemplate,
  type ListPipelineTemplates,
  listPipelineTaskSteps,
  listPipelineTemplates,
  type NewTemplate,
  type PipelineTemplateChange,
  type PipelineTemplateHead,
  type TemplateStep,
  updatePipelineTemplate,
} from './pipeline-template.repository.ts';
export {
  deletePipelineVersion,
  deprecatePipelineVersion,
  findPipelineVersion,
  findPipelineVersionByText,
  getPipelineVersion,
  insertPipelineVersion,
  type ListPipelineVersions,
  listPipelineVersions,
  publishPipelineVersion,
  updatePipelineVersion,
} from './pipeline-version.repository.ts';
export { requireSemver } from './require-semver.ts';
export {
  deleteRole,
  deleteRolePermissions,
  findRole,
  findRoleByName,
  getRole,
  insertGlobalRole,
  insertRole,
  insertRolePermissions,
  listRolePermissions,
  listRoles,
  updateRole,
} from './role.repository.ts';
export {
  type CountSignInAttempts,
  countSignInAttempts,
  forgetSignInAttempts,
} from './sign-in-attempt.repository.ts';
export type { AdmittedJobRow, AdmittedJobTable } from './tables/admitted-job.table.ts';
export type { ArtifactRow, ArtifactRowUpdate, ArtifactTable, NewArtifactRow } from './tables/artifact.table.ts';
export type { AuditChainTable, AuditLogRow, AuditLogTable, NewAuditLogRow } from './tables/audit-log.table.ts';
export type {
  FleetMigrationRow,
  FleetMigrationRowUpdate,
  FleetMigrationStatus,
  FleetMigrationTable,
  NewFleetMigrationRow,
} from './tables/fleet-migration.table.ts';
export type {
  FleetMigrationOrganizationRow,
  FleetMigrationOrganizationTable,
  FleetOrganizationState,
} from './tables/fleet-migration-organization.table.ts';
export type { IdentityRow, IdentityRowUpdate, IdentityTable, NewIdentityRow } from './tables/identity.table.ts';
export type {
  IdentityProviderRow,
  IdentityProviderRowUpdate,
  IdentityProviderTable,
  NewIdentityProviderRow,
} from './tables/identity-provider.table.ts';
export type {
  InvitationRow,
  InvitationRowUpdate,
  InvitationTable,
  NewInvitationRow,
} from './tables/invitation.table.ts';
export type { JobMetaRow, JobMetaRowUpdate, JobMetaTable, NewJobMetaRow } from './tables/job-meta.table.ts';
export type {
  JobScheduleRow,
  JobScheduleRowUpdate,
  JobScheduleTable,
  NewJobScheduleRow,
} from './tables/job-schedule.table.ts';
export type {
  MembershipRow,
  MembershipRowUpdate,
  MembershipTable,
  NewMembershipRow,
} from './tables/membership.table.ts';
export type {
  MembershipRoleRow,
  MembershipRoleRowUpdate,
  MembershipRoleTable,
  NewMembershipRoleRow,
} from './tables/membership-role.table.ts';
export type { MetadataTables, SharedMetadataTables } from './tables/metadata-tables.ts';
export type { MoleculeRow, MoleculeRowUpdate, MoleculeTable, NewMoleculeRow } from './tables/molecule.table.ts';
export type {
  NewOrgDatabaseRow,
  OrgDatabaseRow,
  OrgDatabaseRowUpdate,
  OrgDatabaseState,
  OrgDatabaseTable,
  OrgDatabaseTransition,
  Placement,
} from './tables/org-database.table.ts';
export type {
  NewOrgSettingsRow,
  OrgSettingsRow,
  OrgSettingsRowUpdate,
  OrgSettingsTable,
} from './tables/org-settings.table.ts';
export type {
  NewOrganizationRow,
  OrganizationRow,
  OrganizationRowUpdate,
  OrganizationStatus,
  OrganizationTable,
} from './tables/organization.table.ts';
export type {
  NewPipelineRow,
  PipelineRow,
  PipelineRowUpdate,
  PipelineTable,
  Visibility,
} from './tables/pipeline.table.ts';
export type {
  NewPipelineTaskStepRow,
  PipelineTaskStepRow,
  PipelineTaskStepRowUpdate,
  PipelineTaskStepTable,
} from './tables/pipeline-task-step.table.ts';
export type {
  NewPipelineTemplateRow,
  PipelineTemplateRow,
  PipelineTemplateRowUpdate,
  PipelineTemplateTable,
} from './tables/pipeline-template.table.ts';
export type {
  NewPipelineVersionRow,
  PipelineVersionRow,
  PipelineVersionRowUpdate,
  PipelineVersionTable,
} from './tables/pipeline-version.table.ts';
export type { NewRoleRow, RoleRow, RoleRowUpdate, RoleTable } from './tables/role.table.ts';
export type {
  NewRolePermissionRow,
  RolePermissionRow,
  RolePermissionRowUpdate,
  RolePermissionTable,
} from './tables/role-permission.table.ts';
export type { SignInAttemptRow, SignInAttemptTable } from './tables/sign-in-attempt.table.ts';
export type {
  NewTaskDefinitionRow,
  TaskDefinitionRow,
  TaskDefinitionRowUpdate,
  TaskDefinitionTable,
} from './tables/task-definition.table.ts';
export type {
  HealthStatus,
  NewTaskServiceRow,
  TaskServiceRow,
  TaskServiceRowUpdate,
  TaskServiceTable,
} from './tables/task-service.table.ts';
export type { NewTokenRow, TokenRow, TokenRowUpdate, TokenTable } from './tables/token.table.ts';
export type { NewUserRow, UserRow, UserRowUpdate, UserTable } from './tables/user.table.ts';
export type { WarmDatabaseRow, WarmDatabaseState, WarmDatabaseTable } from './tables/warm-database.table.ts';
export {
  deleteTaskDefinition,
  findTaskDefinition,
  findTaskDefinitionVersion,
  getTaskDefinition,
  insertTaskDefinition,
  type ListTaskDefinitions,
  listTaskDefinitions,
  listTaskDefinitionVersions,
  type TaskDefinitionChange,
  updateTaskDefinition,
} from './task-definition.repository.ts';
export {
  deleteTaskService,
  findTaskService,
  getTaskService,
  insertTaskService,
  type ListTaskServices,
  listTaskServiceStates,
  listTaskServices,
  lockTaskService,
  type OwnTaskServiceRow,
  type TaskServiceStateRow,
  type TellTaskServiceState,
  tellTaskServiceState,
  updateTaskService,
} from './task-service.repository.ts';
export {
  deleteToken,
  findToken,
  findTokenHolder,
  getToken,
  insertToken,
  insertTokenAsOperator,
  insertUnscopedToken,
  type ListTokens,
  listTokens,
  lockToken,
  revokeToken,
  revokeTokenFamily,
  revokeUserTokens,
  rotateToken,
  type TokenHolder,
  touchToken,
} from './token.repository.ts';
export {
  deleteUser,
  findUser,
  findUserByEmail,
  getUser,
  insertUser,
  listUsers,
  UNUSABLE_PASSWORD,
  updateUser,
} from './user.repository.ts';
