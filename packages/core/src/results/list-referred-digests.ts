import { CompiledQuery } from 'kysely';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/**
 * What in a Results DB looks like the digest of an artifact, wherever it stands: inputs and outputs of jobs, results of steps, parameters, specs, logs and entries
 * of the cache. More than there are, never fewer: 64 hex digits that are something else keep nothing from being found. `since`: only of rows that were
 * written then or later, or may have been.
 */
export async function listReferredDigests(
  db: ResultsDatabase,
  { since }: { readonly since?: Date | undefined } = {},
): Promise<readonly string[]> {
  const s = schemaOf(db);
  const ofJobs = `SELECT FROM ${s}jobs j WHERE j.job_id = r.job_id AND (j.status IN ('PENDING', 'RUNNING') OR j.updated_at >= $1)`;
  // A condition of its own where it is wanted: beside an OR each row would be looked at.
  const changed = since ? `EXISTS (${ofJobs})` : 'true';
  const text = `SELECT DISTINCT (regexp_matches(text, '[0-9a-f]{64}', 'g'))[1] AS digest FROM (
  SELECT r.uri || ' ' || coalesce(r.checksum, '') AS text FROM ${s}job_inputs r WHERE ${changed}
  UNION ALL SELECT r.uri || ' ' || coalesce(r.checksum, '') FROM ${s}job_outputs r WHERE ${changed}
  UNION ALL SELECT r.result_data::text FROM ${s}task_results r WHERE ${changed}
  UNION ALL SELECT r.logs_uri FROM ${s}task_executions r WHERE r.logs_uri IS NOT NULL AND ${changed}
  UNION ALL SELECT r.metadata::text FROM ${s}docking_results r WHERE ${changed}
  UNION ALL SELECT r.params::text || coalesce(r.spec::text, '') || coalesce(r.error::text, '') FROM ${s}jobs r WHERE ${changed}
  UNION ALL SELECT p.spec::text FROM ${s}pipeline_specs p WHERE ${since ? 'p.created_at >= $1' : 'true'}
  UNION ALL SELECT e.artifact_map::text FROM ${s}result_cache e WHERE ${since ? 'e.created_at >= $1' : 'true'}
) found`;
  const { rows } = await db.executeQuery<{ digest: string }>(
    CompiledQuery.raw(text, since ? [since.toISOString()] : []),
  );
  return rows.map(({ digest }) => digest);
}
