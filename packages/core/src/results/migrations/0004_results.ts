import { sqlMigration } from '../../postgres/sql-migration.ts';

/** Attempts, logs by attempt, and numbers that are numbers. NaN is greater than every number to PostgreSQL: an upper bound refuses it. */
export const results = sqlMigration([
  `ALTER TABLE task_executions
  ADD COLUMN task_definition_id UUID NULL,
  ADD COLUMN service_id UUID NULL,
  ADD COLUMN external_id TEXT NULL,
  ADD COLUMN worker_id TEXT NULL,
  ADD COLUMN error JSONB NULL,
  ADD COLUMN cache_key TEXT NULL,
  ADD COLUMN cache_outcome TEXT NULL,
  ADD COLUMN heartbeat_at TIMESTAMPTZ NULL,
  ADD CONSTRAINT uq_task_executions_attempt UNIQUE (job_id, task_name, retries),
  ADD CONSTRAINT ck_task_executions_retries CHECK (retries >= 0)`,
  `CREATE INDEX idx_task_executions_job ON task_executions(job_id)`,

  // No key to task_executions: both go with their job, and the key would scan the log for every attempt that goes.
  `ALTER TABLE task_logs
  ADD COLUMN exec_id UUID NULL,
  ADD COLUMN task_name TEXT NULL,
  ADD CONSTRAINT ck_task_logs_line_no CHECK (line_no >= 1)`,

  `ALTER TABLE job_events ADD CONSTRAINT ck_job_events_seq_no CHECK (seq_no >= 1)`,

  `ALTER TABLE docking_results
  ADD COLUMN rmsd_lb DOUBLE PRECISION NULL,
  ADD COLUMN rmsd_ub DOUBLE PRECISION NULL,
  ADD CONSTRAINT ck_docking_results_pose_rank CHECK (pose_rank >= 1),
  ADD CONSTRAINT ck_docking_results_affinity CHECK (affinity > '-Infinity' AND affinity < 'Infinity'),
  ADD CONSTRAINT ck_docking_results_rmsd CHECK (rmsd >= 0 AND rmsd < 'Infinity'),
  ADD CONSTRAINT ck_docking_results_rmsd_lb CHECK (rmsd_lb >= 0 AND rmsd_lb < 'Infinity'),
  ADD CONSTRAINT ck_docking_results_rmsd_ub CHECK (rmsd_ub >= 0 AND rmsd_ub < 'Infinity'),
  ADD CONSTRAINT ck_docking_results_rmsd_is_ub CHECK (rmsd = rmsd_ub)`,
  `CREATE INDEX idx_docking_results_job_affinity ON docking_results(job_id, affinity)`,

  `ALTER TABLE task_results ADD CONSTRAINT ck_task_results_confidence CHECK (confidence_score >= 0 AND confidence_score <= 1)`,
]);
