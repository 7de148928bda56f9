import type { AdmittedJobTable } from './admitted-job.table.ts';
import type { ArtifactTable } from './artifact.table.ts';
import type { AuditChainTable, AuditLogTable } from './audit-log.table.ts';
import type { FleetMigrationTable } from './fleet-migration.table.ts';
import type { FleetMigrationOrganizationTable } from './fleet-migration-organization.table.ts';
import type { IdentityTable } from './identity.table.ts';
import type { IdentityProviderTable } from './identity-provider.table.ts';
import type { InvitationTable } from './invitation.table.ts';
import type { JobMetaTable } from './job-meta.table.ts';
import type { JobScheduleTable } from './job-schedule.table.ts';
import type { MembershipTable } from './membership.table.ts';
import type { MembershipRoleTable } from './membership-role.table.ts';
import type { MoleculeTable } from './molecule.table.ts';
import type { OrgDatabaseTable } from './org-database.table.ts';
import type { OrgSettingsTable } from './org-settings.table.ts';
import type { OrganizationTable } from './organization.table.ts';
import type { PipelineTable } from './pipeline.table.ts';
import type { PipelineTaskStepTable } from './pipeline-task-step.table.ts';
import type { PipelineTemplateTable } from './pipeline-template.table.ts';
import type { PipelineVersionTable } from './pipeline-version.table.ts';
import type { RoleTable } from './role.table.ts';
import type { RolePermissionTable } from './role-permission.table.ts';
import type { SignInAttemptTable } from './sign-in-attempt.table.ts';
import type { TaskDefinitionTable } from './task-definition.table.ts';
import type { TaskServiceTable } from './task-service.table.ts';
import type { TokenTable } from './token.table.ts';
import type { UserTable } from './user.table.ts';
import type { WarmDatabaseTable } from './warm-database.table.ts';

/** The tables that no organization owns: all that the root handle of the Metadata DB reaches. */
export interface SharedMetadataTables {
  users: UserTable;
  identity_providers: IdentityProviderTable;
  identities: IdentityTable;
}

/** Every table of the Metadata DB. */
export interface MetadataTables extends SharedMetadataTables {
  organizations: OrganizationTable;
  org_settings: OrgSettingsTable;
  org_databases: OrgDatabaseTable;
  roles: RoleTable;
  role_permissions: RolePermissionTable;
  memberships: MembershipTable;
  membership_roles: MembershipRoleTable;
  tokens: TokenTable;
  audit_logs: AuditLogTable;
  audit_chains: AuditChainTable;
  task_definitions: TaskDefinitionTable;
  task_services: TaskServiceTable;
  pipeline_templates: PipelineTemplateTable;
  pipeline_task_steps: PipelineTaskStepTable;
  pipelines: PipelineTable;
  pipeline_versions: PipelineVersionTable;
  molecules: MoleculeTable;
  artifacts: ArtifactTable;
  jobs_meta: JobMetaTable;
  admitted_jobs: AdmittedJobTable;
  job_schedules: JobScheduleTable;
  invitations: InvitationTable;
  /** Of no organization: the operator's alone. */
  sign_in_attempts: SignInAttemptTable;
  warm_databases: WarmDatabaseTable;
  fleet_migrations: FleetMigrationTable;
  fleet_migration_organizations: FleetMigrationOrganizationTable;
}
