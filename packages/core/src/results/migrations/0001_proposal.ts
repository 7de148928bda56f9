import { type Kysely, sql } from 'kysely';
import type { Migration } from 'kysely/migration';
import { createJobStatus } from '../../postgres/create-job-status.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

const tables = sqlMigration([
  createJobStatus,

  `CREATE TABLE jobs (
  job_id         UUID PRIMARY KEY,
  pipeline_version TEXT NOT NULL,
  status         job_status NOT NULL DEFAULT 'PENDING',
  input_signature TEXT NULL,            -- deterministic hash of normalized inputs/params
  params         JSONB NOT NULL DEFAULT '{}',
  timings        JSONB NOT NULL DEFAULT '{}',   -- queued/started/ended
  metrics        JSONB NOT NULL DEFAULT '{}',
  error          JSONB NULL,
  created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
  updated_at     TIMESTAMPTZ NOT NULL DEFAULT now()
)`,
  `CREATE INDEX idx_jobs_status_updated ON jobs(status, updated_at DESC)`,
  `CREATE INDEX idx_jobs_input_signature ON jobs(input_signature)`,

  `CREATE TABLE job_inputs (
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  key            TEXT NOT NULL,    -- e.g., ligand_uri, protein_uri
  uri            TEXT NOT NULL,
  content_type   TEXT NULL,
  size_bytes     BIGINT NULL,
  checksum       TEXT NULL,
  PRIMARY KEY (job_id, key)
)`,

  `CREATE TABLE job_outputs (
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  key            TEXT NOT NULL,    -- e.g., ligand_pdbqt, log
  uri            TEXT NOT NULL,
  content_type   TEXT NULL,
  size_bytes     BIGINT NULL,
  checksum       TEXT NULL,
  PRIMARY KEY (job_id, key)
)`,

  `CREATE TABLE docking_results (
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  pose_rank      INT NOT NULL,
  affinity       DOUBLE PRECISION NOT NULL,
  rmsd           DOUBLE PRECISION NULL,
  metadata       JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY (job_id, pose_rank)
)`,
  `CREATE INDEX idx_docking_results_affinity ON docking_results(affinity)`,

  `CREATE TABLE task_executions (
  exec_id        UUID PRIMARY KEY DEFAULT gen_random_uuid(),
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  task_name      TEXT NOT NULL,
  status         job_status NOT NULL DEFAULT 'PENDING',
  started_at     TIMESTAMPTZ NULL,
  ended_at       TIMESTAMPTZ NULL,
  retries        INT NOT NULL DEFAULT 0,
  logs_uri       TEXT NULL
)`,

  `CREATE TABLE task_logs (
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  line_no        BIGINT NOT NULL,
  ts             TIMESTAMPTZ NOT NULL DEFAULT now(),
  level          TEXT NOT NULL DEFAULT 'INFO',
  message        TEXT NOT NULL,
  PRIMARY KEY (job_id, line_no)
)`,

  `CREATE TABLE task_results (
  job_id         UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  task_name      TEXT NOT NULL,
  service_name   TEXT NULL,                 -- e.g., 'vina', 'prep_ligand'
  schema_version TEXT NULL,
  confidence_score DOUBLE PRECISION NULL,   -- for cache/replacement policies
  result_data    JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY (job_id, task_name)
)`,

  `CREATE TABLE result_cache (
  cache_key      TEXT PRIMARY KEY,          -- hash of normalized inputs + pipeline/task
  pipeline_version TEXT NOT NULL,
  task_name      TEXT NOT NULL,
  canonical_job_id UUID NOT NULL,
  confidence_score DOUBLE PRECISION NULL,
  artifact_map   JSONB NOT NULL DEFAULT '{}',  -- keys -> URIs
  metrics_summary JSONB NOT NULL DEFAULT '{}',
  hit_count      INT NOT NULL DEFAULT 0,
  last_used_at   TIMESTAMPTZ NOT NULL DEFAULT now(),
  created_at     TIMESTAMPTZ NOT NULL DEFAULT now(),
  expires_at     TIMESTAMPTZ NULL
)`,

  `CREATE TABLE job_events (
  job_id       UUID NOT NULL REFERENCES jobs(job_id) ON DELETE CASCADE,
  seq_no       BIGINT NOT NULL,
  ts           TIMESTAMPTZ NOT NULL DEFAULT now(),
  event        TEXT NOT NULL,      -- e.g., QUEUED, STARTED, TASK_COMPLETED
  detail       TEXT NULL,
  metadata     JSONB NOT NULL DEFAULT '{}',
  PRIMARY KEY (job_id, seq_no)
)`,
]);

/** The nine tables of the schema proposal, unchanged. Where they already stand, made by hand or by another program, they are adopted as they are. */
export const proposal: Migration = {
  async up(db: Kysely<never>) {
    const { rows } = await sql<{ there: boolean }>`select exists (
      select from pg_tables where schemaname = current_schema() and tablename = 'jobs') as there`.execute(db);
    if (!rows[0]?.there) await tables.up(db);
  },
};
