import { sql } from 'kysely';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import { fromNow } from './from-now.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';
import type { JobStatus } from './tables/job-status.ts';

/** What a queue needs to deliver a job. */
export interface DueJob {
  readonly job_id: string;
  readonly priority: number;
  readonly resource_class: string;
}

/** PENDING jobs that may run now, oldest first. */
export async function listDueJobs(db: ResultsDatabase, request: PageRequest): Promise<Page<DueJob>> {
  const after = parseCursor(request, 2);
  let query = db
    .selectFrom('jobs')
    .select(['job_id', 'priority', 'resource_class', textOf('created_at').as('at')])
    .where(isDue(db))
    .orderBy('created_at')
    .orderBy('job_id')
    .limit(pageLimit(request) + 1);
  if (after) query = query.where(isBehind('created_at', after));
  return pageOf(await query.execute(), request);
}

/** How many jobs `listDueJobs` goes through. */
export async function countDueJobs(db: ResultsDatabase): Promise<number> {
  const { count } = await db
    .selectFrom('jobs')
    .select((eb) => eb.fn.countAll<string | number>().as('count'))
    .where(isDue(db))
    .executeTakeFirstOrThrow();
  return Number(count);
}

/** RUNNING jobs whose lease ran out, that longest ago first. */
export async function listExpiredJobs(db: ResultsDatabase, request: PageRequest): Promise<Page<DueJob>> {
  const after = parseCursor(request, 2);
  let query = db
    .selectFrom('jobs')
    .select(['job_id', 'priority', 'resource_class', textOf('lease_expires_at').as('at')])
    .where('status', '=', 'RUNNING')
    .where('lease_expires_at', '<=', sql<Date>`now()`)
    .orderBy('lease_expires_at')
    .orderBy('job_id')
    .limit(pageLimit(request) + 1);
  if (after) query = query.where(isBehind('lease_expires_at', after));
  return pageOf(await query.execute(), request);
}

/** Milliseconds until a lease runs out, or a PENDING job falls due or passes its deadline; undefined when nothing of that lies ahead. */
export async function findNextDueMs(db: ResultsDatabase): Promise<number | undefined> {
  const row = await db
    .selectNoFrom((eb) => [
      eb
        .selectFrom('jobs')
        .select(msUntilFirst('lease_expires_at').as('ms'))
        .where('status', '=', 'RUNNING')
        .where('lease_expires_at', '>', sql<Date>`now()`)
        .as('lease'),
      eb
        .selectFrom('jobs')
        .select(msUntilFirst('run_after').as('ms'))
        .where('status', '=', 'PENDING')
        .where('run_after', '>', sql<Date>`now()`)
        .as('start'),
      eb
        .selectFrom('jobs')
        .select(msUntilFirst('deadline').as('ms'))
        .where('status', '=', 'PENDING')
        .where('deadline', '>', sql<Date>`now()`)
        .as('deadline'),
    ])
    .executeTakeFirstOrThrow();
  const times = [row.lease, row.start, row.deadline].filter((ms) => ms !== null).map(Number);
  return times.length > 0 ? Math.max(0, Math.min(...times)) : undefined;
}

/** Which changes to list. */
export interface ListChangedJobs extends PageRequest {
  readonly status: JobStatus;
  readonly sinceMs: number;
  /** Leaves out those that changed within this time. @default 0 */
  readonly untilMs?: number | undefined;
}

/** Jobs of a pipeline that are in this state and came to it, or were changed in it, between `sinceMs` and `untilMs` ago; in that order. */
export async function listChangedJobs(
  db: ResultsDatabase,
  request: ListChangedJobs,
): Promise<Page<{ readonly job_id: string; readonly status: JobStatus }>> {
  const after = parseCursor(request, 2);
  let query = db
    .selectFrom('jobs')
    .select(['job_id', 'status', textOf('updated_at').as('at')])
    .where('status', '=', request.status)
    .where('updated_at', '>=', fromNow(-request.sinceMs))
    .where('updated_at', '<=', fromNow(-(request.untilMs ?? 0)))
    .where('pipeline_version_id', 'is not', null)
    .orderBy('updated_at')
    .orderBy('job_id')
    .limit(pageLimit(request) + 1);
  if (after) query = query.where(isBehind('updated_at', after));
  return pageOf(await query.execute(), request);
}

type TimeColumn = 'created_at' | 'updated_at' | 'lease_expires_at';

// Not those that wait for the result of an equal job, as long as that is open.
const isDue = (
  db: ResultsDatabase,
) => sql<boolean>`(status = 'PENDING' and (run_after is null or run_after <= now()) and not exists
  (select from ${sql.raw(schemaOf(db))}jobs leader where leader.job_id = jobs.leader_job_id and leader.status in ('PENDING', 'RUNNING')))`;

// A Date would cut the microseconds, and the next page would lose or repeat rows.
const textOf = (column: TimeColumn) =>
  sql<string>`to_char(${sql.ref(column)} at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

const isBehind = (column: TimeColumn, [at, jobId]: readonly string[]) =>
  sql<boolean>`(${sql.ref(column)}, job_id) > (cast(${at} as timestamptz), cast(${jobId} as uuid))`;

const msUntilFirst = (column: 'lease_expires_at' | 'run_after' | 'deadline') =>
  sql<string | number | null>`extract(epoch from min(${sql.ref(column)}) - now()) * 1000`;

function pageOf<Row extends { readonly job_id: string; readonly at: string }>(
  rows: readonly Row[],
  request: PageRequest,
): Page<Omit<Row, 'at'>> {
  const page = toPage(rows, request, ({ at, job_id }) => [at, job_id]);
  return { ...page, items: page.items.map(({ at: _, ...row }) => row) };
}
