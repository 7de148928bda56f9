import { z } from 'zod';
import type { Caller } from '../../access/caller.ts';
import { ValidationFailedError, type ValidationIssue } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import type { JobScheduleRow } from '../../metadata/tables/job-schedule.table.ts';
import type { Platform } from '../../platform.ts';
import { copyObject, readPlainly } from '../../read-plainly.ts';
import { refuseUnknownKeys } from '../../unknown-keys.ts';
import type { SubmitJob } from '../parse-submit-request.ts';
import { prepareJobs } from '../prepare-jobs.ts';
import { findClockIssues, type ScheduleClock } from './next-tick.ts';

/** What a schedule submits at every tick. Its key and its times are the schedule's. */
export type ScheduledRequest = Omit<SubmitJob, 'idempotencyKey' | 'deadline' | 'runAfter'>;

/** A job that is submitted again and again. */
export interface Schedule extends ScheduleClock {
  readonly scheduleId: string;
  readonly name: string;
  readonly request: ScheduledRequest;
  readonly enabled: boolean;
  /** Whether one job makes up for ticks at which nobody was there. */
  readonly catchUp: boolean;
  /** The user as whom its jobs are submitted. */
  readonly createdBy: string | null;
  /** Null: none to come. */
  readonly nextRunAt: Date | null;
  /** The last tick that was worked off, whether it gave a job or not. */
  readonly lastRunAt: Date | null;
  readonly lastJobId: string | null;
  /** Why the last tick gave no job. */
  readonly lastError: { readonly code: string; readonly message: string } | null;
  readonly createdAt: Date;
}

export function toSchedule(row: JobScheduleRow): Schedule {
  return {
    scheduleId: row.schedule_id,
    name: row.name,
    cron: row.cron,
    timezone: row.timezone,
    request: toRequest(row),
    enabled: row.enabled,
    catchUp: row.catch_up,
    createdBy: row.created_by,
    nextRunAt: row.next_run_at,
    lastRunAt: row.last_run_at,
    lastJobId: row.last_job_id,
    lastError: row.last_error && { code: String(row.last_error.code), message: String(row.last_error.message) },
    createdAt: row.created_at,
  };
}

/** What a user chose of a schedule, as the audit trail compares it. */
export const toAudited = ({ name, cron, timezone, request, enabled, catch_up, created_by }: JobScheduleRow) =>
  ({ name, cron, timezone, request, enabled, catch_up, created_by }) satisfies JsonObject;

/** What a schedule's row submits. It was checked when it was written, and is checked again when it is submitted. */
export const toRequest = ({ request }: JobScheduleRow): ScheduledRequest => request as unknown as ScheduledRequest;

const REQUEST_KEYS = [
  'pipeline',
  'version',
  'inputs',
  'parameters',
  'useCache',
  'minConfidence',
  'acceptStochastic',
  'priority',
  'screeningId',
  'itemKey',
] as const;

/** The request as its row keeps it. */
export function toStoredRequest(request: ScheduledRequest): JsonObject {
  return Object.fromEntries(REQUEST_KEYS.flatMap((key) => (request[key] === undefined ? [] : [[key, request[key]]])));
}

const form = z.object({
  name: z
    .string()
    .min(1)
    .max(200)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'expected text without NUL and lone surrogates'),
  cron: z.string(),
  timezone: z.string(),
  enabled: z.boolean(),
  catchUp: z.boolean(),
  request: z.looseObject({
    idempotencyKey: z
      .undefined({ error: 'the schedule gives each of its jobs a key of its own; leave it out' })
      .optional(),
    deadline: z.undefined({ error: 'a fixed time would pass; leave it out' }).optional(),
    runAfter: z.undefined({ error: 'the schedule says when; leave it out' }).optional(),
  }),
});

/** A copy of what is asked of a schedule, so that nothing of it is read again. @throws {ValidationFailedError} when it is no object, cannot be read, or has a key that is not known */
export function readSchedule<T extends { readonly request?: unknown }>(value: T, known: readonly string[]): T {
  const copy = readPlainly('schedule', () => {
    const schedule = copyObject(value);
    return isJsonObject(schedule) ? { ...schedule, request: copyObject(schedule.request) } : undefined;
  });
  if (copy) {
    refuseUnknownKeys('schedule', copy, known);
    return copy as unknown as T;
  }
  throw new ValidationFailedError({ subject: 'schedule', issues: [{ pointer: '', message: 'expected an object' }] });
}

/** What is written of a schedule. */
export type ScheduleFacts = Pick<Schedule, 'name' | 'cron' | 'timezone' | 'enabled' | 'catchUp' | 'request'>;

/** Checks a schedule, and its request as a submission of the caller now would be. @throws {ValidationFailedError} @throws {NotFoundError} */
export async function checkSchedule(
  platform: Platform,
  caller: Caller,
  { facts, now }: { readonly facts: ScheduleFacts; readonly now: Date },
): Promise<void> {
  const parsed = form.safeParse(facts);
  const issues: ValidationIssue[] = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  if (parsed.success) issues.push(...findClockIssues(facts, now));
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'schedule', issues });
  const { refused } = await prepareJobs(platform, caller, [facts.request]);
  for (const error of refused.values()) throw error;
}
