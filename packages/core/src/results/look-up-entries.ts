import { CompiledQuery } from 'kysely';
import { isDigest } from '../artifacts/is-digest.ts';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/**
 * An entry and what it serves, as they stand at one moment of the database's clock. JSON as PostgreSQL writes it: a digest over such text is the same
 * whoever reads it.
 */
export interface LookedUpEntry {
  readonly cache_key: string;
  readonly task_name: string;
  readonly canonical_job_id: string;
  readonly confidence_score: number | null;
  readonly determinism: string | null;
  readonly artifact_map: string;
  readonly artifact_sizes: string;
  readonly producer: string;
  readonly input_signature: string | null;
  readonly content_digest: string | null;
  readonly seal: string | null;
  /** Why it may not be served any more; null while it may. */
  readonly invalidated: string | null;
  readonly is_expired: boolean;
  /** The answer of a step; null where the row is gone, and for a whole job. */
  readonly result: string | null;
  readonly service_name: string | null;
  readonly schema_version: string | null;
  /** `mad_job_digest` of a whole job as its rows are now; null for a step. */
  readonly job_digest: string | null;
}

/** The entries of any number of keys with what they serve, in one statement; in no order, keys without an entry left out. */
export async function lookUpEntries(
  db: ResultsDatabase,
  { cacheKeys }: { readonly cacheKeys: readonly string[] },
): Promise<readonly LookedUpEntry[]> {
  if (cacheKeys.length === 0) return [];
  const s = schemaOf(db);
  const text = prepared(cacheKeys.length < BULK ? functionOf(s) : statementOf(s));
  const { rows } = await db.executeQuery<LookedUpEntry>(CompiledQuery.raw(text, [toArrayText(cacheKeys)]));
  return rows;
}

/** As PostgreSQL writes it, where nothing of it needs an escape: pg would look through each key for what does. */
function toArrayText(keys: readonly string[]): string | readonly string[] {
  return keys.every(isDigest) ? `{${keys.join()}}` : keys;
}

/** Of an entry `e` and of the answer `r` that it serves. */
export const LOOKED_UP = (
  schema: string,
): string => `e.cache_key, e.task_name, e.canonical_job_id::text, e.confidence_score, e.determinism,
  e.artifact_map::text, e.artifact_sizes::text, e.producer::text, e.input_signature, e.content_digest, e.seal,
  CASE WHEN e.invalidated_at IS NOT NULL THEN coalesce(e.invalidated_reason, '') END AS invalidated,
  coalesce(e.expires_at <= now() AND NOT e.pinned, false) AS is_expired,
  r.result_data::text AS result, r.service_name, r.schema_version,
  CASE WHEN e.task_name = '*' THEN ${schema}mad_job_digest(e.canonical_job_id) END AS job_digest`;

/**
 * From so many keys on PostgreSQL itself takes to one plan for all executions of a prepared statement, which by then knows it costs no more; for fewer it
 * plans each anew, ten times the look-up's own time, and a function is made to keep its plan. What a function returns is held until all of it is there,
 * while the rows of a statement are read as they come.
 */
const BULK = 10;

const functionOf = (s: string): string => `SELECT * FROM ${s}mad_look_up_entries($1::text[])`;

const statementOf = (s: string): string => `SELECT ${LOOKED_UP(s)}
FROM ${s}result_cache e LEFT JOIN ${s}task_results r ON r.job_id = e.canonical_job_id AND r.task_name = e.task_name
WHERE e.cache_key = ANY ($1::text[])`;
