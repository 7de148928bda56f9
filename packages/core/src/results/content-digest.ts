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

function sha256(text: string): string {
  return `encode(sha256(convert_to(${text}, 'UTF8')), 'hex')`;
}
