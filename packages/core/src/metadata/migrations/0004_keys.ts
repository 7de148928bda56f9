import { SYSTEM_ORG_ID } from '../../ids.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

const ORGANIZATIONS = [
  'CREATE UNIQUE INDEX organizations_lower_name_key ON organizations(lower(name))',
  `ALTER TABLE organizations ADD CONSTRAINT organizations_status_check
    CHECK (status IN ('provisioning', 'active', 'suspended', 'deleting', 'deleted', 'failed', 'system'))`,
  `ALTER TABLE organizations ADD CONSTRAINT organizations_system_check
    CHECK ((status = 'system') = (org_id = '${SYSTEM_ORG_ID}'))`,
];

// UNIQUE (org_id, name) takes two nulls for two organizations.
const ROLES = ['CREATE UNIQUE INDEX roles_global_name_key ON roles(name) WHERE org_id IS NULL'];

const TEMPLATE_STEPS = [
  'ALTER TABLE pipeline_task_steps ADD CONSTRAINT pipeline_task_steps_name_key UNIQUE (template_id, step_name)',
  'ALTER TABLE pipeline_task_steps ADD CONSTRAINT pipeline_task_steps_order_key UNIQUE (template_id, step_order)',
  `ALTER TABLE pipeline_task_steps ADD CONSTRAINT pipeline_task_steps_depends_on_check
    CHECK (jsonb_typeof(depends_on) = 'array')`,
];

const JOBS_META = [
  'ALTER TABLE pipeline_versions ADD CONSTRAINT pipeline_versions_pipeline_key UNIQUE (pipeline_version_id, pipeline_id)',
  `ALTER TABLE jobs_meta ADD CONSTRAINT jobs_meta_version_of_pipeline_fkey
    FOREIGN KEY (pipeline_version_id, pipeline_id) REFERENCES pipeline_versions(pipeline_version_id, pipeline_id) ON DELETE RESTRICT`,
  'CREATE UNIQUE INDEX jobs_meta_idempotency_key ON jobs_meta(org_id, idempotency_key) WHERE idempotency_key IS NOT NULL',
];

/** Keys and checks against rows that the proposal lets in. */
export const keys = sqlMigration([...ORGANIZATIONS, ...ROLES, ...TEMPLATE_STEPS, ...JOBS_META]);
