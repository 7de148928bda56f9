import type { ResultsDatabase } from '@mad/core';
import { sql } from 'kysely';
import type { Counted } from '../contender.ts';

/**
 * What lies in the Results DB of the jobs made since then, counted only where it is whole: a complete job has all its events, numbered without a
 * gap, and a result has its completed execution.
 */
export async function countMad(results: ResultsDatabase, { since }: { readonly since: Date }): Promise<Counted> {
  const complete = results
    .selectFrom('jobs')
    .where('jobs.status', '=', 'COMPLETED')
    .where('jobs.created_at', '>=', since);
  const jobs = await complete
    .select(sql<number>`count(*)::int`.as('count'))
    .where((eb) =>
      eb(
        'last_event_seq',
        '=',
        eb
          .selectFrom('job_events')
          .select(sql<number>`count(*) filter (where seq_no between 1 and jobs.last_event_seq)`.as('count'))
          .whereRef('job_events.job_id', '=', 'jobs.job_id'),
      ),
    )
    .executeTakeFirstOrThrow();
  const steps = await complete
    .innerJoin('task_results', 'task_results.job_id', 'jobs.job_id')
    .innerJoin('task_executions', (join) =>
      join
        .onRef('task_executions.job_id', '=', 'task_results.job_id')
        .onRef('task_executions.task_name', '=', 'task_results.task_name'),
    )
    .select(sql<number>`count(*)::int`.as('count'))
    .where('task_executions.status', '=', 'COMPLETED')
    .where(sql<boolean>`length(result_data::text) >= 500`)
    .executeTakeFirstOrThrow();
  return { jobs: jobs.count, steps: steps.count };
}
