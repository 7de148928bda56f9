import { newId } from '../../src/ids.ts';
import { holdSlots } from '../../src/metadata/admitted-job.repository.ts';
import { insertArtifact } from '../../src/metadata/artifact.repository.ts';
import { insertAuditLog } from '../../src/metadata/audit-log.repository.ts';
import { addFleetOrganizations, insertFleetMigration } from '../../src/metadata/fleet-migration.repository.ts';
import { insertInvitation } from '../../src/metadata/invitation.repository.ts';
import { mirrorJobsMeta } from '../../src/metadata/job-meta.repository.ts';
import { insertJobSchedule } from '../../src/metadata/job-schedule.repository.ts';
import { insertMembership, insertMembershipRole } from '../../src/metadata/membership.repository.ts';
import {
  inAllOrganizations,
  inOrganization,
  type MetadataDatabase,
  type OperatorTransaction,
  type OrganizationTransaction,
} from '../../src/metadata/metadata-database.ts';
import { insertMolecule } from '../../src/metadata/molecule.repository.ts';
import { insertOrgDatabase } from '../../src/metadata/org-database.repository.ts';
import { insertOrgSettings } from '../../src/metadata/org-settings.repository.ts';
import { insertOrganization } from '../../src/metadata/organization.repository.ts';
import { insertPipeline } from '../../src/metadata/pipeline.repository.ts';
import { insertPipelineTemplate, listPipelineTaskSteps } from '../../src/metadata/pipeline-template.repository.ts';
import { insertPipelineVersion, publishPipelineVersion } from '../../src/metadata/pipeline-version.repository.ts';
import { insertRole, insertRolePermissions } from '../../src/metadata/role.repository.ts';
import type { Visibility } from '../../src/metadata/tables/pipeline.table.ts';
import { insertTaskDefinition } from '../../src/metadata/task-definition.repository.ts';
import { insertTaskService } from '../../src/metadata/task-service.repository.ts';
import { insertToken } from '../../src/metadata/token.repository.ts';
import { insertUser } from '../../src/metadata/user.repository.ts';

/** An organization with one user and one row in every table it can own. */
export async function fillOrganization(db: MetadataDatabase) {
  const name = `org ${newId()}`;
  const { org_id, user_id } = await inAllOrganizations(db, async (tx) => {
    const organization = await insertOrganization(tx, { name });
    await insertOrgDatabase(tx, {
      org_id: organization.org_id,
      placement: 'schema',
      cluster: 'main',
      schema_name: organization.org_id,
    });
    await fillFleetMigration(tx, organization.org_id);
    const user = await insertUser(tx, { email: `${organization.org_id}@example.org` });
    return { org_id: organization.org_id, user_id: user.user_id };
  });
  const rows = await inOrganization(db, org_id, async (tx) => ({
    ...(await fillAccess(tx, user_id)),
    ...(await fillTasks(tx)),
    ...(await fillJobs(tx, { name, user_id })),
  }));
  await inAllOrganizations(db, (tx) =>
    holdSlots(tx, { workerId: newId(), ttlMs: 60_000, jobs: [toSlot(org_id, rows)] }),
  );
  return { org_id, user_id, name, chain_id: org_id, ...rows };
}

const toSlot = (org_id: string, { job_id }: { job_id: string }) => ({
  job_id,
  org_id,
  resource_class: 'cpu',
  message_id: newId(),
  attempt: 0,
});

async function fillFleetMigration(tx: OperatorTransaction, orgId: string): Promise<void> {
  const run = { fleet_migration_id: newId(), target: '0001', waves: 1, takes_all: true, max_failures: 0 };
  await insertFleetMigration(tx, { ...run, status: 'done', ended_at: new Date() });
  await addFleetOrganizations(tx, { fleetMigrationId: run.fleet_migration_id, organizations: [{ orgId, wave: 0 }] });
}

async function fillAccess(tx: OrganizationTransaction, user_id: string) {
  await insertOrgSettings(tx);
  const { role_id } = await insertRole(tx, { name: 'admin' });
  await insertRolePermissions(tx, { roleId: role_id, permissions: ['job.create'] });
  await insertMembership(tx, { userId: user_id });
  await insertMembershipRole(tx, { userId: user_id, roleId: role_id });
  const { token_id } = await insertToken(tx, { user_id, kind: 'api_key', expires_at: '2999-01-01' });
  const { audit_id } = await insertAuditLog(tx, {
    user_id,
    action: 'role.assign',
    entity_type: 'user',
    entity_id: user_id,
  });
  const { invitation_id } = await insertInvitation(tx, {
    email: 'grace@example.org',
    role_ids: [role_id],
    secret_hash: 'ab'.repeat(32),
    expires_at: '2999-01-01',
  });
  return { role_id, token_id, audit_id, invitation_id };
}

async function fillTasks(tx: OrganizationTransaction) {
  const { task_definition_id } = await insertTaskDefinition(tx, {
    task_id: 'dock',
    interface_spec: { openapi: '3.1.0' },
  });
  const { service_id } = await insertTaskService(tx, { task_definition_id, service_url: 'http://127.0.0.1:1' });
  const { template_id } = await insertPipelineTemplate(tx, {
    template: { name: 'redock', display_name: 'Redock', category: 'docking', workflow_definition: {} },
    steps: [{ step_name: 'dock', task_definition_id }],
  });
  const [step] = await listPipelineTaskSteps(tx, { templateId: template_id });
  return { task_definition_id, service_id, template_id, step_id: step?.step_id ?? '' };
}

async function fillJobs(tx: OrganizationTransaction, { name, user_id }: { name: string; user_id: string }) {
  const pipeline = await insertTestPipeline(tx, { name });
  const job_id = newId();
  const state = { status: 'PENDING', fence: 0, event_no: 1 } as const;
  await mirrorJobsMeta(tx, [{ job_id, submitted_by: user_id, ...pipeline, ...state }]);
  const { schedule_id } = await insertJobSchedule(tx, {
    name: 'nightly',
    cron: '@daily',
    request: {},
    created_by: user_id,
  });
  const { molecule_id } = await insertMolecule(tx, { name: 'imatinib', format: 'sdf', uri: 'mad://1' });
  const { artifact_id } = await insertArtifact(tx, { purpose: 'input', uri: 'mad://2' });
  return { ...pipeline, job_id, schedule_id, molecule_id, artifact_id };
}

/** A pipeline with one published version. */
export async function insertTestPipeline(
  tx: OrganizationTransaction,
  { name, visibility = 'org' }: { name: string; visibility?: Visibility },
) {
  const { pipeline_id } = await insertPipeline(tx, { name, visibility });
  const { pipeline_version_id } = await insertPipelineVersion(tx, {
    pipeline_id,
    version: '1.0.0',
    spec: { tasks: [] },
  });
  await publishPipelineVersion(tx, { pipelineVersionId: pipeline_version_id });
  return { pipeline_id, pipeline_version_id };
}
