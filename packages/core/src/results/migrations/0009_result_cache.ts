import { sqlMigration } from '../../postgres/sql-migration.ts';

/** Entries that prove what they are, what happened to them, flights that others can follow, and jobs that wait for an equal one. */
export const resultCache = sqlMigration([
  // An entry of before has no seal: it is not served, and the next result takes its place.
  `ALTER TABLE result_cache
  ADD COLUMN determinism TEXT NULL,
  ADD COLUMN artifact_sizes JSONB NOT NULL DEFAULT '{}',
  ADD COLUMN content_digest TEXT NULL,
  ADD COLUMN seal TEXT NULL,
  ADD COLUMN sliding_ms BIGINT NULL,
  ADD COLUMN rerun_wanted_at TIMESTAMPTZ NULL,
  ADD COLUMN verified_at TIMESTAMPTZ NULL`,
  `UPDATE result_cache SET invalidated_at = now(), invalidated_reason = 'made before entries were sealed' WHERE invalidated_at IS NULL`,
  `CREATE INDEX idx_result_cache_rerun ON result_cache(rerun_wanted_at) WHERE rerun_wanted_at IS NOT NULL`,
  // Without the key: PostgreSQL 18 would skip through it for look-ups by key, which is much slower.
  `CREATE INDEX idx_result_cache_created ON result_cache(created_at DESC)`,
  `CREATE INDEX idx_result_cache_signature ON result_cache(input_signature)`,
  `CREATE INDEX idx_result_cache_task_key ON result_cache((key_components #>> '{task,taskKey}'), created_at DESC)`,

  `CREATE TABLE cache_events (
  event_id         BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  cache_key        TEXT NOT NULL,
  ts               TIMESTAMPTZ NOT NULL DEFAULT now(),
  event            TEXT NOT NULL,
  reason           TEXT NULL,
  canonical_job_id UUID NULL,
  confidence_score DOUBLE PRECISION NULL,
  actor            UUID NULL,
  metadata         JSONB NOT NULL DEFAULT '{}'
)`,
  `CREATE INDEX idx_cache_events_key ON cache_events(cache_key, event_id)`,
  // A job whose step came out otherwise than before is not recorded as a whole.
  `CREATE INDEX idx_cache_events_drifted ON cache_events((metadata->>'job_id')) WHERE event = 'DRIFTED'`,
  // Which jobs were given an entry, asked when it turns out to be wrong.
  `CREATE INDEX idx_job_events_cached ON job_events((metadata->>'cache_key')) WHERE event = 'TASK_CACHED'`,
  `CREATE INDEX idx_job_events_reused ON job_events((metadata->>'source_job_id')) WHERE event = 'TASK_REUSED'`,

  `ALTER TABLE cache_flights
  ADD COLUMN task_name TEXT NULL,
  ADD COLUMN progress DOUBLE PRECISION NULL,
  ADD COLUMN unshared BOOLEAN NOT NULL DEFAULT false`,

  `ALTER TABLE jobs ADD COLUMN leader_job_id UUID NULL REFERENCES jobs(job_id) ON DELETE SET NULL`,
  `CREATE INDEX idx_jobs_leader ON jobs(leader_job_id) WHERE leader_job_id IS NOT NULL`,
]);
