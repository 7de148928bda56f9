import { sqlMigration } from '../../postgres/sql-migration.ts';

// Lists are paged by (organization, UUIDv7 primary key): newest first, and no two rows share a key as they may share a timestamp.
const PAGES = [
  'CREATE INDEX idx_jobs_meta_org_job ON jobs_meta(org_id, job_id DESC)',
  'CREATE INDEX idx_molecules_org_molecule ON molecules(org_id, molecule_id DESC)',
  'CREATE INDEX idx_artifacts_org_artifact ON artifacts(org_id, artifact_id DESC)',
  'CREATE INDEX idx_audit_logs_org_audit ON audit_logs(org_id, audit_id DESC)',
];

const LOOKUPS = [
  'CREATE INDEX idx_jobs_meta_org_submitter_created ON jobs_meta(org_id, submitted_by, created_at DESC)',
  "CREATE INDEX idx_jobs_meta_pending ON jobs_meta(status, priority DESC, created_at) WHERE status = 'PENDING'",
  'CREATE INDEX idx_jobs_meta_screening ON jobs_meta(screening_id, item_key) WHERE screening_id IS NOT NULL',
  'CREATE INDEX idx_pipeline_task_steps_template ON pipeline_task_steps(template_id)',
  'CREATE INDEX idx_pipeline_task_steps_task_definition ON pipeline_task_steps(task_definition_id)',
  'CREATE INDEX idx_identities_user ON identities(user_id)',
  'CREATE INDEX idx_memberships_org ON memberships(org_id)',
  'CREATE INDEX idx_membership_roles_role ON membership_roles(role_id)',
  'CREATE INDEX idx_tokens_user ON tokens(user_id)',
  'CREATE INDEX idx_tokens_org ON tokens(org_id)',
  'CREATE INDEX idx_artifacts_org_created ON artifacts(org_id, created_at)',
  'CREATE INDEX idx_artifacts_uri ON artifacts(uri)',
  'CREATE INDEX idx_molecules_org_checksum ON molecules(org_id, checksum)',
  'CREATE INDEX idx_audit_logs_entity_ts ON audit_logs(entity_type, entity_id, ts DESC)',
];

// Deleting a parent looks for its children: without these every deletion reads all jobs.
const REFERENCES = [
  'CREATE INDEX idx_jobs_meta_pipeline_version ON jobs_meta(pipeline_version_id)',
  'CREATE INDEX idx_jobs_meta_pipeline ON jobs_meta(pipeline_id)',
];

/** Indexes for the lists, look-ups and deletions that the proposal's keys do not serve. */
export const indexes = sqlMigration([...PAGES, ...LOOKUPS, ...REFERENCES]);
