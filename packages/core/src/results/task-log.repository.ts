import { NotFoundError } from '../errors.ts';
import { withNumbers } from '../postgres/bigint-column.ts';
import { type Page, type PageRequest, pageLimit, parseCursor, toPage } from '../postgres/page.ts';
import type { ResultsDatabase, ResultsTransaction } from './results-database.ts';
import type { NewTaskLogRow, TaskLogRow } from './tables/task-log.table.ts';

/** Lines of one job, in their order. */
export interface AppendTaskLogs {
  readonly jobId: string;
  readonly lines: readonly Omit<NewTaskLogRow, 'job_id' | 'line_no'>[];
  /** How many lines the job may have in all. The rest belongs into an artifact named by the execution's `logs_uri`. */
  readonly cap: number;
}

/** What became of the lines. */
export interface AppendedTaskLogs {
  readonly appended: number;
  /** Lines left out because the cap was reached: always the last ones given. */
  readonly dropped: number;
}

// A statement takes 65,535 parameters, and a line has up to seven.
const LINES_A_STATEMENT = 1000;

/**
 * Appends to the job's log: numbers go 1..n without a gap, in the order of commits, because the job's row is locked until the transaction ends.
 * NUL characters, which text cannot hold, become U+FFFD.
 * @throws {NotFoundError}
 */
export async function appendTaskLogs(
  tx: ResultsTransaction,
  { jobId, lines, cap }: AppendTaskLogs,
): Promise<AppendedTaskLogs> {
  if (lines.length === 0) return { appended: 0, dropped: 0 };
  const job = await tx
    .selectFrom('jobs')
    .select('last_log_line')
    .where('job_id', '=', jobId)
    .forNoKeyUpdate()
    .executeTakeFirst();
  if (!job) throw new NotFoundError({ entity: 'job', id: jobId });
  const last = Number(job.last_log_line);
  const room = Math.max(0, Math.min(lines.length, cap - last));
  const rows = lines.slice(0, room).map((line, index) => ({
    ...line,
    message: line.message.replaceAll('\0', '\ufffd'),
    job_id: jobId,
    line_no: last + index + 1,
  }));
  for (let from = 0; from < room; from += LINES_A_STATEMENT) {
    await tx
      .insertInto('task_logs')
      .values(rows.slice(from, from + LINES_A_STATEMENT))
      .execute();
  }
  if (room > 0) {
    await tx
      .updateTable('jobs')
      .set({ last_log_line: last + room })
      .where('job_id', '=', jobId)
      .execute();
  }
  return { appended: room, dropped: lines.length - room };
}

/** Which lines to list. */
export interface ListTaskLogs extends PageRequest {
  readonly jobId: string;
  /** Only the lines of this step instance. */
  readonly taskName?: string | undefined;
}

/** In the order of their numbers. */
export async function listTaskLogs(
  db: ResultsDatabase,
  { jobId, taskName, ...request }: ListTaskLogs,
): Promise<Page<TaskLogRow>> {
  const after = parseCursor(request, 1);
  let query = db
    .selectFrom('task_logs')
    .selectAll()
    .where('job_id', '=', jobId)
    .where('line_no', '>', Number(after?.[0] ?? 0))
    .orderBy('line_no')
    .limit(pageLimit(request) + 1);
  if (taskName !== undefined) query = query.where('task_name', '=', taskName);
  const rows = await query.execute();
  return toPage(
    rows.map((row) => withNumbers(row, ['line_no'])),
    request,
    (row) => [String(row.line_no)],
  );
}
