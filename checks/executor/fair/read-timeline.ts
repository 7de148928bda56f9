import { connectPostgres } from '@mad/core';
import { sql } from 'kysely';
import { type LoadOrganization, ORGANIZATIONS } from '../load/load-platform.ts';

/** What the rows tell, by the database's clock. */
export interface Timeline {
  /** From one event to another, of the jobs of one organization, ascending. */
  listTimesMs(
    organization: LoadOrganization,
    between: readonly ['QUEUED', 'STARTED'] | readonly ['STARTED', 'COMPLETED'],
  ): Promise<readonly number[]>;
  /** The most jobs that ran at a time: of each organization by its id, and of all of them by resource class. */
  mostAtATime(): Promise<ReadonlyMap<string, number>>;
}

export function readTimeline(connectionString: string): Timeline & AsyncDisposable {
  const db = connectPostgres({ connectionString, max: 1 });
  return {
    async listTimesMs({ schema }, [from, to]) {
      const events = sql.id(schema, 'job_events');
      const { rows } = await sql<{ ms: number }>`
        select (extract(epoch from b.ts - a.ts) * 1000)::float8 as ms
        from ${events} a join ${events} b using (job_id)
        where a.event = ${from} and b.event = ${to} order by ms`.execute(db);
      return rows.map(({ ms }) => Math.round(ms));
    },
    async mostAtATime() {
      const parts = ORGANIZATIONS.map(
        ({ orgId, schema }) =>
          sql`select ${orgId}::text as org, j.resource_class as class, e.started_at, e.ended_at
            from ${sql.id(schema, 'task_executions')} e join ${sql.id(schema, 'jobs')} j using (job_id)`,
      );
      // One that ends in the same microsecond in which another starts does not run beside it.
      const { rows } = await sql<{ name: string; most: number }>`
        with run as (${sql.join(parts, sql` union all `)}),
        named as (select org as name, started_at, ended_at from run union all select class, started_at, ended_at from run),
        change as (select name, started_at as at, 1 as by from named union all select name, ended_at, -1 from named),
        level as (select name, sum(by) over (partition by name order by at, by rows unbounded preceding) as n from change)
        select name, max(n)::int as most from level group by name`.execute(db);
      return new Map(rows.map(({ name, most }) => [name, most]));
    },
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}
