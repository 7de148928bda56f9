import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * The executor's journal as one call: what many jobs have gone through, each job's part written whole or, where its fence does not hold, not at all.
 * A function, because its plans are made once a connection whatever pool or driver calls it, and always by index: a plan made while the tables
 * were small would read them whole ever after. `job` of the other arrays is the 1-based place of the job in `p_job`.
 *
 * Returns, by place, the number of events that each job had, null where its fence did not hold; and the places of those that somebody wants to end.
 *
 * The status is compared as text, which no index holds: jobs are found by their key, never through the index of all that run.
 */
export const journal = sqlMigration([
  `CREATE FUNCTION mad_commit_transitions(
  p_worker TEXT, p_lease_ms BIGINT,
  p_job UUID[], p_fence BIGINT[], p_events INT[], p_kind TEXT[], p_error JSONB[], p_metrics JSONB[],
  p_start_job INT[], p_start_exec UUID[], p_start_task TEXT[], p_start_status TEXT[], p_start_retries INT[], p_start_definition UUID[],
  p_start_cache_key TEXT[], p_start_cache_outcome TEXT[], p_start_error JSONB[],
  p_end_job INT[], p_end_exec UUID[], p_end_status TEXT[], p_end_service UUID[], p_end_error JSONB[],
  p_result_job INT[], p_result_task TEXT[], p_result_service TEXT[], p_result_schema TEXT[], p_result_confidence FLOAT8[], p_result_data JSONB[],
  p_output_job INT[], p_output_key TEXT[], p_output_uri TEXT[], p_output_type TEXT[], p_output_size BIGINT[], p_output_checksum TEXT[],
  p_pose_job INT[], p_pose_rank INT[], p_pose_affinity FLOAT8[], p_pose_lb FLOAT8[], p_pose_ub FLOAT8[], p_pose_metadata JSONB[],
  p_event_job INT[], p_event_ord INT[], p_event_name TEXT[], p_event_detail TEXT[], p_event_metadata JSONB[],
  OUT seq_before BIGINT[], OUT cancel_requested INT[]
) LANGUAGE plpgsql
SET plan_cache_mode = force_generic_plan SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off
AS $$
#variable_conflict use_column
DECLARE
  at_now TEXT := to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"');
  seen RECORD;
BEGIN
  seq_before := array_fill(NULL::BIGINT, ARRAY[cardinality(p_job)]);
  cancel_requested := '{}';
  -- Sets no column that is indexed or watched by a trigger: the row stays in its page and touches no index.
  IF 'move' = ANY (p_kind) THEN
    FOR seen IN
      UPDATE jobs j SET last_event_seq = j.last_event_seq + g.events
      FROM unnest(p_job, p_fence, p_events, p_kind) WITH ORDINALITY AS g(id, fence, events, kind, place)
      WHERE g.kind = 'move' AND j.job_id = g.id AND j.fence = g.fence AND j.status::text = 'RUNNING'
      RETURNING g.place, j.last_event_seq - g.events AS seq_before, j.cancel_requested_at IS NOT NULL AS cancel
    LOOP
      seq_before[seen.place] := seen.seq_before;
      IF seen.cancel THEN cancel_requested := cancel_requested || seen.place::INT; END IF;
    END LOOP;
  END IF;

  IF 'claim' = ANY (p_kind) THEN
    FOR seen IN
      UPDATE jobs j SET status = 'RUNNING', lease_owner = p_worker, lease_expires_at = now() + p_lease_ms * interval '1 ms', fence = j.fence + 1,
        crash_count = j.crash_count + CASE WHEN j.status = 'RUNNING' THEN 1 ELSE 0 END,
        timings = jsonb_build_object('started', at_now) || j.timings,
        last_event_seq = j.last_event_seq + g.events
      FROM unnest(p_job, p_fence, p_events, p_kind) WITH ORDINALITY AS g(id, fence, events, kind, place)
      WHERE g.kind = 'claim' AND j.job_id = g.id AND j.fence = g.fence
        AND ((j.status::text = 'PENDING' AND (j.run_after IS NULL OR j.run_after <= now()))
          OR (j.status::text = 'RUNNING' AND j.lease_expires_at <= now()))
      RETURNING g.place, j.last_event_seq - g.events AS seq_before, j.cancel_requested_at IS NOT NULL AS cancel
    LOOP
      seq_before[seen.place] := seen.seq_before;
      IF seen.cancel THEN cancel_requested := cancel_requested || seen.place::INT; END IF;
    END LOOP;
  END IF;

  IF p_kind && ARRAY['COMPLETED', 'FAILED', 'CANCELED'] THEN
    FOR seen IN
      UPDATE jobs j SET status = g.kind::job_status, lease_owner = NULL, lease_expires_at = NULL, error = g.error,
        timings = j.timings || jsonb_build_object('ended', at_now),
        metrics = j.metrics || g.metrics, last_event_seq = j.last_event_seq + g.events
      FROM unnest(p_job, p_fence, p_events, p_kind, p_error, p_metrics) WITH ORDINALITY AS g(id, fence, events, kind, error, metrics, place)
      WHERE g.kind NOT IN ('move', 'claim') AND j.job_id = g.id AND j.fence = g.fence AND j.status::text = 'RUNNING'
      RETURNING g.place, j.last_event_seq - g.events AS seq_before
    LOOP
      seq_before[seen.place] := seen.seq_before;
    END LOOP;
  END IF;

  IF cardinality(p_start_job) > 0 THEN
    INSERT INTO task_executions (exec_id, job_id, task_name, status, started_at, ended_at, retries, task_definition_id, worker_id, cache_key,
      cache_outcome, error)
    SELECT g.exec, p_job[g.job], g.task, g.status::job_status, CASE WHEN g.status = 'RUNNING' THEN now() END,
      CASE WHEN g.status <> 'RUNNING' THEN now() END, g.retries, g.definition, p_worker, g.cache_key, g.cache_outcome, g.error
    FROM unnest(p_start_job, p_start_exec, p_start_task, p_start_status, p_start_retries, p_start_definition, p_start_cache_key,
      p_start_cache_outcome, p_start_error) AS g(job, exec, task, status, retries, definition, cache_key, cache_outcome, error)
    WHERE seq_before[g.job] IS NOT NULL;
  END IF;

  IF cardinality(p_end_job) > 0 THEN
    UPDATE task_executions e SET status = g.status::job_status, ended_at = now(), service_id = g.service, error = g.error
    FROM unnest(p_end_job, p_end_exec, p_end_status, p_end_service, p_end_error) AS g(job, exec, status, service, error)
    WHERE seq_before[g.job] IS NOT NULL AND e.exec_id = g.exec AND e.status IN ('PENDING', 'RUNNING');
  END IF;

  -- A job that ends without success leaves no attempt open. After the ends that came along: those have an outcome.
  IF p_kind && ARRAY['FAILED', 'CANCELED'] THEN
    UPDATE task_executions e SET status = 'CANCELED', ended_at = now()
    FROM unnest(p_job, p_kind) WITH ORDINALITY AS g(id, kind, place)
    WHERE g.kind IN ('FAILED', 'CANCELED') AND seq_before[g.place] IS NOT NULL AND e.job_id = g.id AND e.status IN ('PENDING', 'RUNNING');
  END IF;

  IF cardinality(p_result_job) > 0 THEN
    INSERT INTO task_results (job_id, task_name, service_name, schema_version, confidence_score, result_data)
    SELECT p_job[g.job], g.task, g.service, g.schema, g.confidence, g.data
    FROM unnest(p_result_job, p_result_task, p_result_service, p_result_schema, p_result_confidence, p_result_data)
      AS g(job, task, service, schema, confidence, data)
    WHERE seq_before[g.job] IS NOT NULL;
  END IF;

  IF cardinality(p_output_job) > 0 THEN
    INSERT INTO job_outputs (job_id, key, uri, content_type, size_bytes, checksum)
    SELECT p_job[g.job], g.key, g.uri, g.type, g.size, g.checksum
    FROM unnest(p_output_job, p_output_key, p_output_uri, p_output_type, p_output_size, p_output_checksum) AS g(job, key, uri, type, size, checksum)
    WHERE seq_before[g.job] IS NOT NULL;
  END IF;

  IF cardinality(p_pose_job) > 0 THEN
    INSERT INTO docking_results (job_id, pose_rank, affinity, rmsd, rmsd_lb, rmsd_ub, metadata)
    SELECT p_job[g.job], g.rank, g.affinity, g.ub, g.lb, g.ub, g.metadata
    FROM unnest(p_pose_job, p_pose_rank, p_pose_affinity, p_pose_lb, p_pose_ub, p_pose_metadata) AS g(job, rank, affinity, lb, ub, metadata)
    WHERE seq_before[g.job] IS NOT NULL;
  END IF;

  -- The time at which the job's row was got, not at which the transaction began: time never falls along the numbers.
  INSERT INTO job_events (job_id, seq_no, ts, event, detail, metadata)
  SELECT p_job[g.job], seq_before[g.job] + g.ord, clock_timestamp(), g.name, g.detail, g.metadata
  FROM unnest(p_event_job, p_event_ord, p_event_name, p_event_detail, p_event_metadata) AS g(job, ord, name, detail, metadata)
  WHERE seq_before[g.job] IS NOT NULL;
END $$`,
  // The schema this runs in, and nothing before it.
  `DO $$ BEGIN
  EXECUTE format('ALTER FUNCTION mad_commit_transitions SET search_path = %I, pg_temp', current_schema());
END $$`,
]);
