import { hash } from 'node:crypto';

/**
 * SHA-256 of a step's answer, 64 hex digits; `result` as PostgreSQL writes it. The parts are JSON texts, none of which holds a line break: no two answers
 * give one text.
 */
export function stepContentDigest(serviceName: string | null, schemaVersion: string | null, result: string): string {
  return hash('sha256', `${JSON.stringify(serviceName)}\n${JSON.stringify(schemaVersion)}\n${result}`, 'hex');
}

/** The same of a row of `task_results`, reckoned by the database. */
export const stepContentDigestSql = (row: string): string =>
  sha256(
    `coalesce(to_jsonb(${row}.service_name)::text, 'null') || E'\\n' || coalesce(to_jsonb(${row}.schema_version)::text, 'null') || E'\\n' || ${row}.result_data::text`,
  );

/**
 * SHA-256 over everything that a whole job serves, reckoned by the database: that it was completed, its steps' results, its files and its poses. Floats
 * by their bits, because their text depends on settings of the connection.
 */
export const jobContentDigest = (schema: string, job: string): string =>
  `(SELECT ${sha256(`concat_ws(E'\\n', j.status::text,
    (SELECT string_agg(${sha256(`jsonb_build_array(t.task_name, t.service_name, t.schema_version)::text || E'\\n' || coalesce(${bits('t.confidence_score')}, '') || E'\\n' || t.result_data::text`)}, E'\\n' ORDER BY t.task_name COLLATE "C")
      FROM ${schema}task_results t WHERE t.job_id = j.job_id),
    'outputs', (SELECT string_agg(jsonb_build_array(o.key, o.uri, o.content_type, o.size_bytes, o.checksum)::text, E'\\n' ORDER BY o.key COLLATE "C")
      FROM ${schema}job_outputs o WHERE o.job_id = j.job_id),
    'poses', (SELECT string_agg(jsonb_build_array(p.pose_rank, ${bits('p.affinity')}, ${bits('p.rmsd')}, ${bits('p.rmsd_lb')}, ${bits('p.rmsd_ub')}, p.metadata)::text, E'\\n' ORDER BY p.pose_rank)
      FROM ${schema}docking_results p WHERE p.job_id = j.job_id))`)}
  FROM ${schema}jobs j WHERE j.job_id = ${job})`;

function sha256(text: string): string {
  return `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;
}

function bits(column: string): string {
  return `encode(float8send(${column}), 'hex')`;
}
