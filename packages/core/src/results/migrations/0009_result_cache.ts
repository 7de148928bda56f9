import { inThisSchema } from '../../postgres/in-this-schema.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * SHA-256 over everything that a whole job serves: that it was completed, its steps' results, its files and its poses. Floats by their bits, because
 * their text depends on settings of the connection.
 */
const JOB_DIGEST = `CREATE FUNCTION @schema.mad_job_digest(p_job UUID) RETURNS TEXT LANGUAGE plpgsql STABLE
AS $$ BEGIN
  RETURN (SELECT encode(sha256(convert_to(concat_ws(E'\\n', j.status::text,
    (SELECT string_agg(encode(sha256(convert_to(jsonb_build_array(t.task_name, t.service_name, t.schema_version)::text || E'\\n'
        || coalesce(encode(float8send(t.confidence_score), 'hex'), '') || E'\\n' || t.result_data::text, 'UTF8')), 'hex'),
        E'\\n' ORDER BY t.task_name COLLATE "C")
      FROM @schema.task_results t WHERE t.job_id = j.job_id),
    'outputs', (SELECT string_agg(jsonb_build_array(o.key, o.uri, o.content_type, o.size_bytes, o.checksum)::text, E'\\n' ORDER BY o.key COLLATE "C")
      FROM @schema.job_outputs o WHERE o.job_id = j.job_id),
    'poses', (SELECT string_agg(jsonb_build_array(p.pose_rank, encode(float8send(p.affinity), 'hex'), encode(float8send(p.rmsd), 'hex'),
        encode(float8send(p.rmsd_lb), 'hex'), encode(float8send(p.rmsd_ub), 'hex'), p.metadata)::text, E'\\n' ORDER BY p.pose_rank)
      FROM @schema.docking_results p WHERE p.job_id = j.job_id)), 'UTF8')), 'hex')
    FROM @schema.jobs j WHERE j.job_id = p_job);
END $$`;

/** The entries of these keys with what they serve. JSON as PostgreSQL writes it. */
const LOOK_UP = `CREATE FUNCTION @schema.mad_look_up_entries(p_keys TEXT[]) RETURNS TABLE (
  cache_key TEXT, task_name TEXT, canonical_job_id TEXT, confidence_score FLOAT8, determinism TEXT, artifact_map TEXT, artifact_sizes TEXT, producer TEXT,
  input_signature TEXT, content_digest TEXT, seal TEXT, invalidated TEXT, is_expired BOOLEAN, result TEXT, service_name TEXT, schema_version TEXT,
  job_digest TEXT
) LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY SELECT e.cache_key, e.task_name, e.canonical_job_id::text, e.confidence_score, e.determinism, e.artifact_map::text,
    e.artifact_sizes::text, e.producer::text, e.input_signature, e.content_digest, e.seal,
    CASE WHEN e.invalidated_at IS NOT NULL THEN coalesce(e.invalidated_reason, '') END,
    coalesce(e.expires_at <= now() AND NOT e.pinned, false),
    r.result_data::text, r.service_name, r.schema_version, CASE WHEN e.task_name = '*' THEN @schema.mad_job_digest(e.canonical_job_id) END
  FROM @schema.result_cache e LEFT JOIN @schema.task_results r ON r.job_id = e.canonical_job_id AND r.task_name = e.task_name
  WHERE e.cache_key = ANY (p_keys);
END $$`;

/** Whether something that the job computed or was given by the cache was taken out of service since. Too often where they come within seconds. */
const IS_TAINTED = `CREATE FUNCTION @schema.mad_is_tainted(p_job UUID) RETURNS BOOLEAN LANGUAGE plpgsql STABLE
AS $$ BEGIN
  RETURN EXISTS (SELECT FROM @schema.cache_events v WHERE v.event = 'DRIFTED' AND v.metadata->>'job_id' = p_job::text)
    OR EXISTS (SELECT FROM @schema.result_cache e WHERE e.canonical_job_id = p_job AND e.invalidated_at IS NOT NULL)
    OR EXISTS (SELECT FROM @schema.job_events u JOIN @schema.cache_events v ON v.cache_key = u.metadata->>'cache_key'
      WHERE u.job_id = p_job AND u.event = 'TASK_CACHED' AND v.event IN ('DISOWNED', 'INVALIDATED', 'QUARANTINED', 'DRIFTED')
        AND v.ts > u.ts - interval '10 s');
END $$`;

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
  // Both are functions because their plans are made once a connection and always by index; made anew, the plan takes ten times as long as the look-up.
  // Names in them are written out for this schema: to set a search_path at each call takes as long as to look up three keys.
  inThisSchema(JOB_DIGEST),
  inThisSchema(LOOK_UP),
  inThisSchema(IS_TAINTED),

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
  // Whatever way it goes: a job that an executor had read before it came to wait runs by itself, others run out of time or are canceled.
  `CREATE FUNCTION mad_leave_leader() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$ BEGIN
  NEW.leader_job_id := NULL;
  RETURN NEW;
END $$`,
  `CREATE TRIGGER jobs_leader BEFORE UPDATE OF status ON jobs
  FOR EACH ROW WHEN (NEW.leader_job_id IS NOT NULL AND NEW.status <> 'PENDING') EXECUTE FUNCTION mad_leave_leader()`,
]);
