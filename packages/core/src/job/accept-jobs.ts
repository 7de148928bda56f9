import { authorize } from '../access/authorize.ts';
import type { Caller } from '../access/caller.ts';
import { systemClock } from '../clock.ts';
import { ConflictError, type MadError, QuotaExceededError, ValidationFailedError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';
import type { JobQuotas } from '../ports/quotas.ts';
import { announceJobs } from './announce-jobs.ts';
import { answerRepeated } from './answer-repeated.ts';
import { lookUpJobs } from './look-up-jobs.ts';
import type { SubmitJob } from './parse-submit-request.ts';
import { type PreparedJob, prepareJobs } from './prepare-jobs.ts';
import { requireStorage } from './require-storage.ts';
import { type Outcomes, type SubmittedJob, toSubmitted } from './submitted-job.ts';
import { type FindReuse, type WrittenJob, writeJobs } from './write-jobs.ts';

export interface AcceptJobs {
  readonly requests: readonly SubmitJob[];
  /** What a job takes over from an earlier one. @default nothing */
  readonly findReuse?: FindReuse | undefined;
  /** The jobs are ticks of schedules: only their keys begin like that. @default false */
  readonly isTick?: boolean | undefined;
}

/** How the idempotency keys of schedules begin: nobody else may take the place of a tick. */
export const TICK_KEY = 'schedule/';

/**
 * The one way in which jobs are accepted, one or many: checked, answered by the cache where it knows, written in one transaction of the Results DB,
 * then mirrored and queued. Jobs that together take more than a quota leaves are refused together. One outcome a request, in their order: its job, or the error of this library that keeps it from being one.
 * @throws {PermissionDeniedError} without `job.create`
 */
export async function acceptJobs(
  platform: Platform,
  caller: Caller,
  { requests, findReuse, isTick = false }: AcceptJobs,
): Promise<readonly (SubmittedJob | MadError)[]> {
  authorize(caller, 'job.create');
  const { orgId } = caller;
  const { prepared, refused } = await prepareJobs(platform, caller, requests);
  const outcomes: Outcomes = new Map(refused);
  const results = await platform.results.get(orgId);
  if (!isTick) for (const job of prepared) refuseTickKey(job, outcomes);
  const askable = prepared.filter(({ index }) => !outcomes.has(index));
  await answerRepeated(results, { caller, jobs: askable, outcomes });
  for (const job of askable) if (!outcomes.has(job.index)) refuseOverdue(platform, job, outcomes);

  const open = askable.filter(({ index }) => !outcomes.has(index));
  const jobs = await lookUpJobs(platform, results, { orgId, jobs: firstOfEachKey(open) });
  const quotas = await platform.quotas?.get(orgId);
  const write = { caller, jobs, findReuse, quotas: countedOf(quotas), logger: platform.logger ?? silentLogger };
  const written = await requireStorage(results, { quotas, jobs })
    .then(() => writeJobs(results, write))
    .catch((error: unknown) => refuseTogether(error, jobs, outcomes));
  for (const [index, job] of written) outcomes.set(index, toSubmitted(job));
  const announced = announceJobs(platform, { orgId, jobs: [...written.values()] });
  // What is over already nobody has to be told of first: a hit is answered while its mirror is being written.
  if ([...written.values()].some(({ status }) => status !== 'COMPLETED')) await announced;

  // Those whose key another request held, of this call or of one at the same time: its job answers them too, if they ask the same.
  await answerRepeated(results, { caller, jobs: open, outcomes });
  return requests.map((_, index) => outcomes.get(index) ?? goneMeanwhile(requests[index]));
}

/** Undefined where jobs are not limited: then they are counted only where a limit stood in this month. */
function countedOf(quotas: JobQuotas | undefined): JobQuotas | undefined {
  return quotas?.maxJobsPerMonth === undefined && quotas?.maxConcurrentJobs === undefined ? undefined : quotas;
}

/** Together they would take more than is left: none was written. */
function refuseTogether(
  error: unknown,
  jobs: readonly PreparedJob[],
  outcomes: Outcomes,
): ReadonlyMap<number, WrittenJob> {
  if (!(error instanceof QuotaExceededError)) throw error;
  for (const { index } of jobs) outcomes.set(index, error);
  return new Map();
}

function firstOfEachKey(jobs: readonly PreparedJob[]): PreparedJob[] {
  const first = new Map<string | number, PreparedJob>();
  for (const job of jobs) {
    const key = job.request.idempotencyKey ?? job.index;
    if (!first.has(key)) first.set(key, job);
  }
  return [...first.values()];
}

function refuseTickKey({ index, request }: PreparedJob, outcomes: Outcomes): void {
  if (!request.idempotencyKey?.startsWith(TICK_KEY)) return;
  const message = `expected a key that does not begin with ${TICK_KEY}, as those of schedules do`;
  outcomes.set(index, new ValidationFailedError({ subject: 'job', issues: [{ pointer: '/idempotencyKey', message }] }));
}

/** Asked after the first job of a key had its say: a repeated request may come after the deadline. */
function refuseOverdue({ clock = systemClock }: Platform, { index, request }: PreparedJob, outcomes: Outcomes): void {
  if (request.deadline === undefined || request.deadline > clock.now()) return;
  const issues = [{ pointer: '/deadline', message: 'expected a time in the future; it has passed already' }];
  outcomes.set(index, new ValidationFailedError({ subject: 'job', issues }));
}

function goneMeanwhile(request: SubmitJob | undefined): MadError {
  const hint = 'its job was deleted at this moment; submit again';
  return new ConflictError({ entity: 'idempotency key', id: request?.idempotencyKey ?? '', hint });
}
