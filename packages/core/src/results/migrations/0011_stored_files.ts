import { inThisSchema } from '../../postgres/in-this-schema.ts';
import { sqlMigration } from '../../postgres/sql-migration.ts';

const OF_NAMED = (table: string): string =>
  `SELECT r.checksum, r.size_bytes FROM ${table} r WHERE r.checksum ~ '^[0-9a-f]{64}$' AND r.size_bytes >= 0`;
/** As jsonb writes a reference to a file: keys by their length, then by their letters. Searched for first as it stands, which is ten times as fast. */
const OF_RESULTS = (table: string): string => `SELECT f.found[1], f.found[2]::bigint FROM ${table} r
  CROSS JOIN LATERAL regexp_matches(r.result_data::text, '[{]"[$]artifact": "([0-9a-f]{64})", "sizeBytes": ([0-9]{1,15})[,}]', 'g') AS f(found)
  WHERE strpos(r.result_data::text, '{"$artifact": ') > 0`;
const OF_ALL = (and = ''): string =>
  [OF_NAMED('@schema.job_inputs'), OF_NAMED('@schema.job_outputs'), OF_RESULTS('@schema.task_results')]
    .map((files) => `${files} ${and}`)
    .join(' UNION ALL ');
const OF_CHANGED_JOBS = `AND r.job_id IN (SELECT job_id FROM @schema.jobs WHERE status IN ('PENDING', 'RUNNING')
  OR (status IN ('COMPLETED', 'FAILED', 'CANCELED') AND updated_at >= now() - interval '10 min'))`;

/** In one order for all: who adds a file waits for the open transaction that adds the same one. */
const adding = (files: string): string => `INSERT INTO @schema.stored_files (digest, size_bytes)
  SELECT DISTINCT ON (n.digest) n.digest, n.size_bytes FROM (${files}) AS n(digest, size_bytes) ORDER BY n.digest ON CONFLICT DO NOTHING`;

/** Most statements add no file, and pay some 25 µs for the look. */
const addingWhere = (condition: string, files: string): string =>
  `IF EXISTS (SELECT FROM added r WHERE ${condition}) THEN
    ${adding(files)};
  END IF`;

const trigger = (name: string, statement: string): string =>
  inThisSchema(`CREATE FUNCTION @schema.${name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
  ${statement};
  RETURN NULL;
END $$`);

/**
 * The files that jobs were given and made, each once, and how many bytes they are: by triggers, so that programs of the version before count too. Names are
 * written out: to set a search_path at each call costs as much as the rest.
 */
export const storedFiles = sqlMigration([
  `CREATE TABLE stored_files (
  digest     TEXT PRIMARY KEY,
  size_bytes BIGINT NOT NULL CHECK (size_bytes >= 0)
)`,
  // Sixteen parts, chosen by the connection: one row for all would make every two commits of an organization wait for each other.
  `CREATE TABLE storage_usage (
  part  SMALLINT PRIMARY KEY,
  bytes NUMERIC NOT NULL
)`,
  trigger(
    'mad_sum_stored_files',
    `INSERT INTO @schema.storage_usage AS u (part, bytes)
  SELECT pg_backend_pid() % 16, CASE TG_OP WHEN 'DELETE' THEN -sum(c.size_bytes) ELSE sum(c.size_bytes) END FROM changed c HAVING sum(c.size_bytes) > 0
  ON CONFLICT (part) DO UPDATE SET bytes = u.bytes + excluded.bytes`,
  ),
  `CREATE TRIGGER stored_files_more AFTER INSERT ON stored_files REFERENCING NEW TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION mad_sum_stored_files()`,
  `CREATE TRIGGER stored_files_less AFTER DELETE ON stored_files REFERENCING OLD TABLE AS changed
  FOR EACH STATEMENT EXECUTE FUNCTION mad_sum_stored_files()`,

  inThisSchema(`CREATE FUNCTION @schema.mad_count_stored_files() RETURNS VOID LANGUAGE plpgsql AS $$ BEGIN
  ${adding(OF_ALL())};
END $$`),
  // All rows while everybody writes on; then, when no writer is under way, what was written meanwhile: the tables are locked for that moment only.
  'SELECT mad_count_stored_files()',
  trigger('mad_add_named_files', addingWhere('r.checksum IS NOT NULL', OF_NAMED('added'))),
  trigger(
    'mad_add_result_files',
    addingWhere(`strpos(r.result_data::text, '{"$artifact": ') > 0`, OF_RESULTS('added')),
  ),
  `CREATE TRIGGER job_inputs_files AFTER INSERT ON job_inputs REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION mad_add_named_files()`,
  `CREATE TRIGGER task_results_files AFTER INSERT ON task_results REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION mad_add_result_files()`,
  `CREATE TRIGGER job_outputs_files AFTER INSERT ON job_outputs REFERENCING NEW TABLE AS added
  FOR EACH STATEMENT EXECUTE FUNCTION mad_add_named_files()`,
  inThisSchema(adding(OF_ALL(OF_CHANGED_JOBS))),
]);
