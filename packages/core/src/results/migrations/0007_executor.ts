import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * What the executor's journal rewrites often is made narrow, and leaves room in its pages: an update of `jobs` then stays in its page and touches
 * no index.
 */
export const executor = sqlMigration([
  `CREATE TABLE pipeline_specs (
  spec_digest TEXT PRIMARY KEY,
  spec        JSONB NOT NULL,
  created_at  TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  `ALTER TABLE jobs
  ADD COLUMN spec_digest TEXT NULL,
  ADD COLUMN forked_from UUID NULL REFERENCES jobs(job_id) ON DELETE SET NULL,
  ADD COLUMN resource_class TEXT NOT NULL DEFAULT 'cpu'`,
  `CREATE INDEX idx_jobs_forked_from ON jobs(forked_from) WHERE forked_from IS NOT NULL`,
  `CREATE INDEX idx_jobs_pending_deadline ON jobs(deadline) WHERE status = 'PENDING' AND deadline IS NOT NULL`,
  `ALTER TABLE jobs SET (fillfactor = 70)`,
  `ALTER TABLE task_executions SET (fillfactor = 80)`,
  // The unique key of attempts begins with job_id and finds them as well.
  `DROP INDEX idx_task_executions_job`,
]);
