import { sql } from 'kysely';

/** The condition that one of these columns holds the text, whatever its case; `%` and `_` mean themselves. */
export function containsText(columns: readonly string[], text: string) {
  const pattern = `%${text.replace(/[\\%_]/g, '\\$&')}%`;
  return sql<boolean>`(${sql.join(
    columns.map((column) => sql`${sql.ref(column)} ilike ${pattern}`),
    sql` or `,
  )})`;
}
