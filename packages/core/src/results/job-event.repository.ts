import { sql } from 'kysely';
import { NotFoundError } from '../errors.ts';
import { rowId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type BigintValue, withNumbers } from '../postgres/bigint-column.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { JobEventRow } from './tables/job-event.table.ts';
import type { JobStatus } from './tables/job-status.ts';
import { toCleanJsonText } from './to-jsonb.ts';

/** An event before it has its number and its time. */
export interface NewJobEvent {
  /** QUEUED, STARTED, TASK_COMPLETED … */
  readonly event: string;
  readonly detail?: string | undefined;
  readonly metadata?: JsonObject | undefined;
}

/** Events of one job, in their order. */
export interface AppendJobEvents {
  readonly jobId: string;
  readonly events: readonly NewJobEvent[];
}

/**
 * Appends to the job's timeline in one statement: numbers go 1..n without a gap, in the order of commits, because the job's row is locked until
 * the transaction ends. Characters that jsonb cannot hold become U+FFFD.
 * @throws {NotFoundError}
 */
export async function appendJobEvents(
  tx: ResultsTransaction,
  { jobId, events }: AppendJobEvents,
): Promise<readonly JobEventRow[]> {
  if (events.length === 0) return [];
  const given = events.map(({ event, detail, metadata = {} }, index) => ({
    ord: index + 1,
    event,
    detail: detail ?? null,
    metadata,
  }));
  const rows = await tx
    .with('numbered', (cte) =>
      cte
        .updateTable('jobs')
        .set({ last_event_seq: sql<number>`last_event_seq + ${sql.lit(events.length)}` })
        .where('job_id', '=', jobId)
        .returning(['job_id', sql<number>`last_event_seq - ${sql.lit(events.length)}`.as('before')]),
    )
    .insertInto('job_events')
    .columns(['job_id', 'seq_no', 'ts', 'event', 'detail', 'metadata'])
    .expression((eb) =>
      eb
        .selectFrom('numbered')
        .innerJoin(
          sql<{
            ord: number;
            event: string;
            detail: string | null;
            metadata: JsonObject;
          }>`jsonb_to_recordset(cast(${toCleanJsonText(given)} as jsonb))`.as<'given'>(
            sql`given(ord bigint, event text, detail text, metadata jsonb)`,
          ),
          (join) => join.onTrue(),
        )
        // The time at which the row was got, not at which the transaction began: time never falls along the numbers.
        .select([
          'job_id',
          sql<number>`before + given.ord`.as('seq_no'),
          sql<Date>`clock_timestamp()`.as('ts'),
          'given.event',
          'given.detail',
          'given.metadata',
        ]),
    )
    .returningAll()
    .execute();
  if (rows.length === 0) throw new NotFoundError({ entity: 'job', id: jobId });
  return rows.map((row) => withNumbers(row, ['seq_no'])).sort((a, b) => a.seq_no - b.seq_no);
}

/** Where in the timeline to read on. */
export interface ListJobEvents {
  readonly jobId: string;
  /** Only events after this number. @default 0 */
  readonly afterSeq?: number | undefined;
  /** @default 500 */
  readonly limit?: number | undefined;
}

/** In the order of their numbers. Asking again after the last number seen misses nothing and repeats nothing. */
export async function listJobEvents(
  db: ResultsDatabase,
  { jobId, afterSeq = 0, limit = 500 }: ListJobEvents,
): Promise<readonly JobEventRow[]> {
  const rows = await db
    .selectFrom('job_events')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('seq_no', '>', afterSeq)
    .orderBy('seq_no')
    .limit(limit)
    .execute();
  return rows.map((row) => withNumbers(row, ['seq_no']));
}

/** A job, and the last event of it that is known. */
export interface JobPosition {
  readonly jobId: string;
  readonly afterSeq: number;
}

/** What a job's timeline holds behind a position, and the job's status, both as of one moment. */
export interface JobNews extends JobPosition {
  /** Undefined when there is no such job. */
  readonly status: JobStatus | undefined;
  readonly events: readonly JobEventRow[];
}

/**
 * The timelines of many jobs behind one position each, by one statement, with at most `limitPerJob` events each. Only those with news: with
 * events, over, or not there. A job may be asked for at several positions. Over and fewer events than the limit: there will be no more.
 */
export async function listJobEventsAfter(
  db: ResultsDatabase,
  after: readonly JobPosition[],
  limitPerJob: number,
): Promise<readonly JobNews[]> {
  if (after.length === 0) return [];
  const given = after.map(({ jobId, afterSeq }) => ({ job_id: rowId(jobId), after_seq: afterSeq }));
  const rows = await db
    .selectFrom(
      sql<{
        ord: BigintValue;
        job_id: string;
        after_seq: number;
      }>`rows from (jsonb_to_recordset(cast(${JSON.stringify(given)} as jsonb)) as (job_id uuid, after_seq bigint)) with ordinality`.as<'given'>(
        sql`given(job_id, after_seq, ord)`,
      ),
    )
    .leftJoin('jobs', 'jobs.job_id', 'given.job_id')
    .leftJoinLateral(
      (eb) =>
        eb
          .selectFrom('job_events')
          .selectAll('job_events')
          .whereRef('job_events.job_id', '=', 'given.job_id')
          .whereRef('job_events.seq_no', '>', 'given.after_seq')
          .orderBy('job_events.seq_no')
          .limit(limitPerJob)
          .as('event'),
      (join) => join.onTrue(),
    )
    .select(['given.ord', 'jobs.status', 'event.seq_no', 'event.ts', 'event.event', 'event.detail', 'event.metadata'])
    .where((eb) =>
      eb.or([
        eb('event.seq_no', 'is not', null),
        eb('jobs.status', 'is', null),
        eb('jobs.status', 'in', ['COMPLETED', 'FAILED', 'CANCELED']),
      ]),
    )
    .orderBy('given.ord')
    .orderBy('event.seq_no')
    .execute();
  const news = new Map<number, JobPosition & { status: JobStatus | undefined; events: JobEventRow[] }>();
  for (const { ord, status, seq_no, ts, event, detail, metadata } of rows) {
    const position = after[Number(ord) - 1];
    if (!position) continue;
    const found = news.get(Number(ord)) ?? { ...position, status: status ?? undefined, events: [] };
    news.set(Number(ord), found);
    if (seq_no === null || ts === null || event === null || metadata === null) continue;
    found.events.push({ job_id: position.jobId, seq_no: Number(seq_no), ts, event, detail, metadata });
  }
  return [...news.values()];
}
