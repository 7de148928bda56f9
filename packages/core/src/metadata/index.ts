export {
  deleteArtifact,
  findArtifact,
  getArtifact,
  insertArtifact,
  type ListArtifacts,
  listArtifacts,
  updateArtifact,
} from './artifact.repository.ts';
export {
  type AuditEntry,
  findAuditLog,
  getAuditLog,
  insertAuditLog,
  insertOperatorAuditLog,
  type ListAuditLogs,
  listAuditLogs,
} from './audit-log.repository.ts';
export { checkMetadataRole, type MetadataRole } from './check-metadata-role.ts';
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
  deleteMembership,
  deleteMembershipRole,
  findMember,
  getMember,
  insertMembership,
  insertMembershipRole,
  insertMembershipRoleAsOperator,
  listMemberPermissions,
  listMemberRoles,
  listMembers,
  listUserOrganizations,
  type Member,
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
export type { AdmittedJobRow, AdmittedJobTable } from './tables/admitted-job.table.ts';
export type { ArtifactRow, ArtifactRowUpdate, ArtifactTable, NewArtifactRow } from './tables/artifact.table.ts';
export type { AuditLogRow, AuditLogRowUpdate, AuditLogTable, NewAuditLogRow } from './tables/audit-log.table.ts';
export type { IdentityRow, IdentityRowUpdate, IdentityTable, NewIdentityRow } from './tables/identity.table.ts';
export type {
  IdentityProviderRow,
  IdentityProviderRowUpdate,
  IdentityProviderTable,
  NewIdentityProviderRow,
} from './tables/identity-provider.table.ts';
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
  type TaskServiceStateRow,
  type TellTaskServiceState,
  tellTaskServiceState,
  updateTaskService,
} from './task-service.repository.ts';
export {
  deleteToken,
  findToken,
  findValidToken,
  getToken,
  insertToken,
  insertUnscopedToken,
  type ListTokens,
  listTokens,
  revokeToken,
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
