import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type ArtifactStore,
  createLocalArtifactStore,
  inAllOrganizations,
  inOrganization,
  insertArtifact,
  insertJobSchedule,
  insertMolecule,
  insertPipeline,
  insertPipelineTemplate,
  insertPipelineVersion,
  insertTaskDefinition,
  insertTaskService,
  insertToken,
  mirrorJobsMeta,
  type OrgId,
  type Placement,
  publishPipelineVersion,
  updateOrgSettings,
} from '@mad/core';
import { sql } from 'kysely';
import { provisionOrganization } from '../../src/index.ts';
import { fill } from './describe-move.ts';
import type { Platform } from './describe-provisioning.ts';

/** A folder of its own with a store for files in it. */
export async function createStore(): Promise<{ readonly folder: string; readonly artifacts: ArtifactStore }> {
  const folder = await mkdtemp(join(tmpdir(), 'mad-archive-'));
  return { folder, artifacts: createLocalArtifactStore({ folder: join(folder, 'files') }) };
}

/** An organization with rows in every table that an archive holds, and in those that it leaves out; with two files. */
export async function provisionFilled(
  platform: Platform & { readonly artifacts: ArtifactStore },
  { name, placement }: { name: string; placement: Placement },
) {
  const email = `${name.replaceAll(' ', '.')}@example.org`;
  const { orgId, adminUserId } = await provisionOrganization(platform, {
    ...{ name, placement, cluster: 'main' },
    admin: { email },
    quotas: { max_concurrent_jobs: 7 },
  });
  const jobs = await fill(platform, orgId);
  const file = await platform.artifacts.put(orgId, 'a small file');
  const large = await platform.artifacts.put(orgId, Buffer.alloc(700_000, name));
  const uri = `mad://org/${orgId}/artifacts/${file.digest}`;
  const user_id = adminUserId ?? '';
  await inOrganization(platform.metadata, orgId, async (tx) => {
    const { task_definition_id } = await insertTaskDefinition(tx, {
      ...{ task_id: 'dock', created_by: user_id },
      interface_spec: { openapi: '3.1.0', text: 'it\'s "quoted" \\ ü\n' },
    });
    await insertTaskService(tx, { task_definition_id, service_url: 'http://127.0.0.1:1' });
    await insertPipelineTemplate(tx, {
      template: { name: 'redock', display_name: 'Redock', category: 'docking', workflow_definition: {} },
      steps: [
        { step_name: 'prepare', task_definition_id },
        { step_name: 'dock', task_definition_id, depends_on: ['prepare'] },
      ],
    });
    const { pipeline_id } = await insertPipeline(tx, { name: 'redock', created_by: user_id });
    const { pipeline_version_id } = await insertPipelineVersion(tx, {
      pipeline_id,
      version: '1.0.0',
      spec: { tasks: [] },
    });
    await publishPipelineVersion(tx, { pipelineVersionId: pipeline_version_id });
    const state = { status: 'PENDING', fence: 0, event_no: 1 } as const;
    for (const job_id of jobs)
      await mirrorJobsMeta(tx, [{ job_id, submitted_by: user_id, pipeline_id, pipeline_version_id, ...state }]);
    await insertJobSchedule(tx, { name: 'nightly', cron: '@daily', request: {}, created_by: user_id });
    await insertMolecule(tx, { name: 'imatinib', format: 'sdf', uri, created_by: user_id });
    await insertArtifact(tx, { purpose: 'input', uri, size_bytes: file.sizeBytes, checksum: file.digest });
    await insertToken(tx, { user_id, kind: 'api_key', expires_at: '2999-01-01', secret_hash: 'c'.repeat(64) });
    await updateOrgSettings(tx, { set: { config: { theme: 'dark' }, storage_bucket: 'elsewhere' } });
  });
  return { orgId, email, user_id, digests: [file.digest, large.digest] };
}

const RESTORED = [
  'roles',
  'role_permissions',
  'memberships',
  'membership_roles',
  'task_definitions',
  'pipeline_templates',
  'pipeline_task_steps',
  'pipelines',
  'pipeline_versions',
  'molecules',
  'artifacts',
  'jobs_meta',
  'job_schedules',
] as const;

/** What of the Metadata DB is to be as it was. */
export const readMetadata = (platform: Platform, orgId: OrgId) =>
  inAllOrganizations(platform.metadata, async (tx) => {
    const rows: Record<string, readonly string[]> = {};
    for (const table of RESTORED) {
      const found = await sql<{ line: string }>`select to_jsonb(r)::text as line from ${sql.table(table)} r
        where to_jsonb(r)::text like ${`%${orgId}%`} or ${table} in ('role_permissions', 'pipeline_task_steps', 'pipeline_versions')`.execute(
        tx,
      );
      rows[table] = found.rows.map(({ line }) => line).sort();
    }
    return rows;
  });
