import PQueue from 'p-queue';
import type { Caller } from '../../access/caller.ts';
import { systemClock } from '../../clock.ts';
import { ConflictError, isMadError, type MadError, PermissionDeniedError } from '../../errors.ts';
import type { OrgId } from '../../ids.ts';
import { silentLogger } from '../../logger.ts';
import { finishScheduleTick, listDueJobSchedules, noteScheduleError } from '../../metadata/job-schedule.repository.ts';
import { inAllOrganizations, inOrganization } from '../../metadata/metadata-database.ts';
import type { JobScheduleRow } from '../../metadata/tables/job-schedule.table.ts';
import type { Platform } from '../../platform.ts';
import { findJobByIdempotencyKey } from '../../results/job.repository.ts';
import { acceptJobs, TICK_KEY } from '../accept-jobs.ts';
import { toJobFailure } from '../job-failure.ts';
import { nextTick } from './next-tick.ts';
import { toRequest } from './schedule.ts';

export interface RunDueSchedules {
  /**
   * The caller as whom a schedule submits, with the permissions of this moment; undefined: they may not any more, which is noted as the schedule's
   * error. @default the user who created it, with `job.create`: a host that disables users or takes roles away passes its own.
   */
  readonly findCaller?: ((owner: ScheduleOwner) => Promise<Caller | undefined>) | undefined;
  /** A tick that is later than this counts as missed where `catchUp` is false. @default 60_000 */
  readonly graceMs?: number | undefined;
}

export interface ScheduleOwner {
  readonly orgId: OrgId;
  /** Null where no user created it, and when that user was deleted. */
  readonly userId: string | null;
}

/** What became of one due tick. */
export interface ScheduleRun {
  readonly orgId: OrgId;
  readonly scheduleId: string;
  readonly tick: Date;
  /** Absent: a missed tick was left out, or `error` says why there is none. */
  readonly jobId?: string | undefined;
  readonly error?: MadError | undefined;
}

// Each is a submission, which borrows connections of both databases.
const AT_A_TIME = 4;

/**
 * Submits the jobs of all schedules whose tick has come. Any number of processes may call it at any time: a tick gives one job, whose idempotency key
 * is `schedule/<id>/<tick>`, also when the process dies in between. After a pause one job makes up for all missed ticks, where the schedule
 * says so. A submission that is refused is noted on its schedule, which waits for its next tick; one that a fault kept from being made stays due.
 * Neither holds up another schedule.
 */
export async function runDueSchedules(
  platform: Platform,
  options: RunDueSchedules = {},
): Promise<readonly ScheduleRun[]> {
  const { metadata, clock = systemClock } = platform;
  const now = clock.now();
  const runs: ScheduleRun[] = [];
  let cursor: string | undefined;
  do {
    const page = await inAllOrganizations(metadata, (tx) => listDueJobSchedules(tx, { now, cursor, limit: 500 }));
    const ticks = page.items.map((row) => async () => {
      const run = await runTick(platform, row, { ...options, now });
      if (run) runs.push(run);
    });
    await new PQueue({ concurrency: AT_A_TIME }).addAll(ticks);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return runs;
}

async function runTick(
  platform: Platform,
  row: JobScheduleRow,
  { findCaller = creatorOf, graceMs = 60_000, now }: RunDueSchedules & { now: Date },
): Promise<ScheduleRun | undefined> {
  const { metadata, logger = silentLogger } = platform;
  const { org_id: orgId, schedule_id: scheduleId, next_run_at: tick } = row;
  if (tick === null) return undefined;
  const place = { orgId, scheduleId, tick };
  const isMissed = !row.catch_up && now.getTime() - tick.getTime() > graceMs;
  try {
    const outcome = isMissed ? {} : await submit(platform, row, { findCaller, tick });
    const error = outcome.error && toJobFailure(outcome.error);
    const moved = await inOrganization(metadata, orgId, (tx) =>
      finishScheduleTick(tx, { scheduleId, tick, nextRunAt: nextTick(row, now), jobId: outcome.jobId, error }),
    );
    // Another process was faster: the run is its to report.
    return moved ? { ...place, ...outcome } : undefined;
  } catch (error) {
    logger.warn({ err: error, org_id: orgId, schedule_id: scheduleId }, 'a schedule could not submit; it stays due');
    const { code, message } = toJobFailure(error);
    await inOrganization(metadata, orgId, (tx) =>
      noteScheduleError(tx, { scheduleId, tick, error: { code, message } }),
    ).catch(() => {});
    return undefined;
  }
}

async function submit(
  platform: Platform,
  row: JobScheduleRow,
  { findCaller, tick }: { findCaller: NonNullable<RunDueSchedules['findCaller']>; tick: Date },
): Promise<{ jobId?: string; error?: MadError }> {
  const { org_id: orgId, schedule_id: scheduleId, created_by: userId } = row;
  const idempotencyKey = `${TICK_KEY}${scheduleId}/${tick.toISOString()}`;
  try {
    const caller = await findCaller({ orgId, userId });
    if (!caller) throw new PermissionDeniedError({ permission: 'job.create' });
    const requests = [{ ...toRequest(row), idempotencyKey }];
    const [outcome] = await acceptJobs(platform, caller, { requests, isTick: true });
    if (outcome === undefined || isMadError(outcome)) throw outcome;
    return { jobId: outcome.jobId };
  } catch (error) {
    if (!isMadError(error) || error.retryable) throw error;
    if (!(error instanceof ConflictError)) return { error };
    // The schedule was changed while another process worked off this tick: the tick has its job.
    const first = await findJobByIdempotencyKey(await platform.results.get(orgId), { idempotencyKey });
    return first ? { jobId: first.job_id } : { error };
  }
}

const creatorOf = async ({ orgId, userId }: ScheduleOwner): Promise<Caller> => ({
  orgId,
  userId,
  permissions: new Set(['job.create']),
});
