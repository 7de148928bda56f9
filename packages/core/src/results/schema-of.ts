import type { ResultsDatabase } from './results-database.ts';

const known = new WeakMap<object, string>();

/** The quoted schema of a Results DB with its dot, as `"org_a".`, for statements that no query builder makes; '' where it has none. */
export function schemaOf(db: ResultsDatabase): string {
  const found = known.get(db);
  if (found !== undefined) return found;
  const { sql } = db.selectFrom('results_database').select('org_id').compile();
  const schema = /from ((?:"(?:[^"]|"")*"\.)?)"results_database"/.exec(sql)?.[1] ?? '';
  known.set(db, schema);
  return schema;
}
