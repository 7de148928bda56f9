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
  findJobMetaByIdempotencyKey,
  getJobMeta,
  insertJobMeta,
  type JobMetaFilter,
  type JobMetaMirror,
  listJobsMeta,
  mirrorJobMeta,
} from './job-meta.repository.ts';
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
export { MetadataRoleError, OrganizationUnknownError, RowRefusedError } from './metadata-errors.ts';
export { metadataTrack, migrateMetadata } from './metadata-track.ts';
export {
  deleteMolecule,
  findMolecule,
  getMolecule,
  insertMolecule,
  type ListMolecules,
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
export type { OwnedRow } from './owned-row.ts';
export {
  deletePipeline,
  findPipeline,
  findPipelineByName,
  getPipeline,
  insertPipeline,
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
export type { Artifact, ArtifactTable, ArtifactUpdate, NewArtifact } from './tables/artifact.table.ts';
export type { AuditLog, AuditLogTable, AuditLogUpdate, NewAuditLog } from './tables/audit-log.table.ts';
export type { Identity, IdentityTable, IdentityUpdate, NewIdentity } from './tables/identity.table.ts';
export type {
  IdentityProvider,
  IdentityProviderTable,
  IdentityProviderUpdate,
  NewIdentityProvider,
} from './tables/identity-provider.table.ts';
export type { JobMeta, JobMetaTable, JobMetaUpdate, NewJobMeta } from './tables/job-meta.table.ts';
export type { Membership, MembershipTable, MembershipUpdate, NewMembership } from './tables/membership.table.ts';
export type {
  MembershipRole,
  MembershipRoleTable,
  MembershipRoleUpdate,
  NewMembershipRole,
} from './tables/membership-role.table.ts';
export type { MetadataTables, SharedMetadataTables } from './tables/metadata-tables.ts';
export type { Molecule, MoleculeTable, MoleculeUpdate, NewMolecule } from './tables/molecule.table.ts';
export type {
  NewOrgDatabase,
  OrgDatabase,
  OrgDatabaseState,
  OrgDatabaseTable,
  OrgDatabaseUpdate,
  Placement,
} from './tables/org-database.table.ts';
export type { NewOrgSettings, OrgSettings, OrgSettingsTable, OrgSettingsUpdate } from './tables/org-settings.table.ts';
export type {
  NewOrganization,
  Organization,
  OrganizationStatus,
  OrganizationTable,
  OrganizationUpdate,
} from './tables/organization.table.ts';
export type { NewPipeline, Pipeline, PipelineTable, PipelineUpdate, Visibility } from './tables/pipeline.table.ts';
export type {
  NewPipelineTaskStep,
  PipelineTaskStep,
  PipelineTaskStepTable,
  PipelineTaskStepUpdate,
} from './tables/pipeline-task-step.table.ts';
export type {
  NewPipelineTemplate,
  PipelineTemplate,
  PipelineTemplateTable,
  PipelineTemplateUpdate,
} from './tables/pipeline-template.table.ts';
export type {
  NewPipelineVersion,
  PipelineVersion,
  PipelineVersionTable,
  PipelineVersionUpdate,
} from './tables/pipeline-version.table.ts';
export type { NewRole, Role, RoleTable, RoleUpdate } from './tables/role.table.ts';
export type {
  NewRolePermission,
  RolePermission,
  RolePermissionTable,
  RolePermissionUpdate,
} from './tables/role-permission.table.ts';
export type {
  NewTaskDefinition,
  TaskDefinition,
  TaskDefinitionTable,
  TaskDefinitionUpdate,
} from './tables/task-definition.table.ts';
export type {
  HealthStatus,
  NewTaskService,
  TaskService,
  TaskServiceTable,
  TaskServiceUpdate,
} from './tables/task-service.table.ts';
export type { NewToken, Token, TokenTable, TokenUpdate } from './tables/token.table.ts';
export type { NewUser, User, UserTable, UserUpdate } from './tables/user.table.ts';
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
  listTaskServices,
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
