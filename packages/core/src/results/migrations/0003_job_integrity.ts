import { sqlMigration } from '../../postgres/sql-migration.ts';

/**
 * What a jobs row may become. The functions live beside the table and name nothing that a search_path could redirect.
 *
 * PENDING → RUNNING, COMPLETED (a cache hit), FAILED, CANCELED; RUNNING → COMPLETED, FAILED, CANCELED; RUNNING → PENDING only with an expired
 * lease, and a holder gives its lease back by letting it expire in the same update. Other columns of a closed job may change: metrics and
 * mirrors arrive late.
 */
export const jobIntegrity = sqlMigration([
  `CREATE FUNCTION mad_check_job_status() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  IF OLD.status = 'PENDING'
    OR (OLD.status = 'RUNNING' AND NEW.status <> 'PENDING')
    OR (OLD.status = 'RUNNING' AND least(OLD.lease_expires_at, NEW.lease_expires_at) <= clock_timestamp())
  THEN
    RETURN NEW;
  END IF;
  RAISE EXCEPTION 'job % cannot go from % to %', OLD.job_id, OLD.status, NEW.status
    USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_status_transition', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
      HINT = 'a closed job stays closed; a running job goes back to PENDING only when its lease has expired';
END $$`,
  `CREATE TRIGGER jobs_status_transition BEFORE UPDATE OF status ON jobs
  FOR EACH ROW WHEN (OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION mad_check_job_status()`,

  `CREATE FUNCTION mad_set_job_updated_at() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
BEGIN
  NEW.updated_at := now();
  RETURN NEW;
END $$`,
  // Not for the lease and the counters: they change with every heartbeat and event, and updated_at is indexed.
  `CREATE TRIGGER jobs_updated_at BEFORE UPDATE OF pipeline_version, status, input_signature, params, timings, metrics, error, pipeline_id,
    pipeline_version_id, spec, submitted_by, idempotency_key, priority, deadline, run_after, screening_id, item_key, cancel_requested_at,
    canonical_job_id, cache ON jobs
  FOR EACH ROW EXECUTE FUNCTION mad_set_job_updated_at()`,

  `CREATE FUNCTION mad_check_canonical_job() RETURNS trigger LANGUAGE plpgsql SET search_path = '' AS $$
DECLARE
  is_hit BOOLEAN;
BEGIN
  EXECUTE format('SELECT canonical_job_id IS NOT NULL FROM %I.%I WHERE job_id = $1', TG_TABLE_SCHEMA, TG_TABLE_NAME)
    INTO is_hit USING NEW.canonical_job_id;
  IF is_hit OR NEW.canonical_job_id = NEW.job_id THEN
    RAISE EXCEPTION 'job % cannot take job % as canonical: it did not run', NEW.job_id, NEW.canonical_job_id
      USING ERRCODE = 'check_violation', CONSTRAINT = 'jobs_canonical_job', TABLE = TG_TABLE_NAME, SCHEMA = TG_TABLE_SCHEMA,
        HINT = 'name the job that really ran, not another cache hit';
  END IF;
  RETURN NEW;
END $$`,
  `CREATE TRIGGER jobs_canonical_job BEFORE INSERT OR UPDATE OF canonical_job_id ON jobs
  FOR EACH ROW WHEN (NEW.canonical_job_id IS NOT NULL) EXECUTE FUNCTION mad_check_canonical_job()`,
]);
