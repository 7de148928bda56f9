import type { Client } from 'pg';

export interface CountedStatement {
  /** A run. */
  readonly calls: number;
  /** Its beginning. */
  readonly text: string;
}

export interface CountStatements {
  readonly times: number;
  readonly run: () => Promise<unknown>;
}

/** Every statement that the server saw while it ran, `begin` and `commit` included; each is a round trip. */
export async function countStatements(
  client: Client,
  { times, run }: CountStatements,
): Promise<readonly CountedStatement[]> {
  await client.query('select pg_stat_statements_reset()');
  for (let at = 0; at < times; at++) await run();
  const { rows } = await client.query<{ calls: string; query: string }>(
    `select calls, query from pg_stat_statements join pg_database on pg_database.oid = dbid
      where datname = current_database() and query not like '%pg_stat_statements%' order by calls desc, query`,
  );
  return rows.map(({ calls, query }) => ({
    calls: Number(calls) / times,
    text: query.replaceAll(/\s+/g, ' ').slice(0, 90),
  }));
}
