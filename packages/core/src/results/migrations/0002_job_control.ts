import { sqlMigration } from '../../postgres/sql-migration.ts';

/** What runs a job: its spec, who asked, when it may run, its lease, and the counters under its row. */
export const jobControl = sqlMigration([
  `ALTER TABLE jobs
  ADD COLUMN pipeline_id UUID NULL,
  ADD COLUMN pipeline_version_id UUID NULL,
  ADD COLUMN spec JSONB NULL,
  ADD COLUMN submitted_by UUID NULL,
  ADD COLUMN idempotency_key TEXT NULL,
  ADD COLUMN priority INT NOT NULL DEFAULT 0,
  ADD COLUMN deadline TIMESTAMPTZ NULL,
  ADD COLUMN run_after TIMESTAMPTZ NULL,
  ADD COLUMN screening_id UUID NULL,
  ADD COLUMN item_key TEXT NULL,
  ADD COLUMN lease_owner TEXT NULL,
  ADD COLUMN lease_expires_at TIMESTAMPTZ NULL,
  ADD COLUMN fence BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN cancel_requested_at TIMESTAMPTZ NULL,
  ADD COLUMN crash_count INT NOT NULL DEFAULT 0,
  ADD COLUMN last_event_seq BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN last_log_line BIGINT NOT NULL DEFAULT 0,
  ADD COLUMN canonical_job_id UUID NULL REFERENCES jobs(job_id) ON DELETE SET NULL,
  ADD COLUMN cache JSONB NULL`,

  // Databases that ran the proposal before: numbering goes on where it stopped.
  `UPDATE jobs SET last_event_seq = e.last FROM (SELECT job_id, max(seq_no) AS last FROM job_events GROUP BY job_id) e WHERE e.job_id = jobs.job_id`,
  `UPDATE jobs SET last_log_line = l.last FROM (SELECT job_id, max(line_no) AS last FROM task_logs GROUP BY job_id) l WHERE l.job_id = jobs.job_id`,

  `CREATE UNIQUE INDEX uq_jobs_idempotency_key ON jobs(idempotency_key) WHERE idempotency_key IS NOT NULL`,
  `CREATE INDEX idx_jobs_running_lease ON jobs(status, lease_expires_at) WHERE status = 'RUNNING'`,
  `CREATE INDEX idx_jobs_pending ON jobs(priority DESC, created_at) WHERE status = 'PENDING'`,
  `CREATE INDEX idx_jobs_created ON jobs(created_at DESC)`,
  `CREATE INDEX idx_jobs_screening ON jobs(screening_id, item_key) WHERE screening_id IS NOT NULL`,
  `CREATE INDEX idx_jobs_canonical ON jobs(canonical_job_id) WHERE canonical_job_id IS NOT NULL`,
]);
