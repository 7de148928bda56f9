import type { Caller } from '../access/caller.ts';
import { ConflictError } from '../errors.ts';
import { sortedJson } from '../json.ts';
import { listInputsOfJobs, listJobsByIdempotencyKey } from '../results/job.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import type { JobInputRow } from '../results/tables/job-input.table.ts';
import type { PreparedJob } from './prepare-jobs.ts';
import { type Outcomes, toSubmitted } from './submitted-job.ts';

export interface AnswerRepeated {
  readonly caller: Caller;
  readonly jobs: readonly PreparedJob[];
  readonly outcomes: Outcomes;
}

/**
 * Gives each of the jobs without an outcome whose idempotency key is taken the job that holds it, if that was asked the same by the same caller,
 * else a `ConflictError`. What says how to run it – priority, times, cache – is not compared.
 */
export async function answerRepeated(
  results: ResultsDatabase,
  { caller, jobs, outcomes }: AnswerRepeated,
): Promise<void> {
  const asked = jobs.flatMap((job) => {
    const key = job.request.idempotencyKey;
    return key === undefined || outcomes.has(job.index) ? [] : [{ job, key }];
  });
  if (asked.length === 0) return;
  const rows = await listJobsByIdempotencyKey(results, { idempotencyKeys: [...new Set(asked.map(({ key }) => key))] });
  const holders = new Map(rows.map((row) => [row.idempotency_key, row]));
  const inputs = Map.groupBy(
    await listInputsOfJobs(results, { jobIds: rows.map((row) => row.job_id) }),
    (input) => input.job_id,
  );
  for (const { job, key } of asked) {
    const holder = holders.get(key);
    if (!holder) continue;
    const same = isSame(job, { caller, holder, inputs: inputs.get(holder.job_id) ?? [] });
    outcomes.set(job.index, same ? toSubmitted(holder) : refuse(key));
  }
}

function isSame(
  { request, pipeline, files, parameters }: PreparedJob,
  { caller, holder, inputs }: { caller: Caller; holder: JobRow; inputs: readonly JobInputRow[] },
): boolean {
  return (
    holder.submitted_by === caller.userId &&
    holder.pipeline_id === pipeline.pipelineId &&
    // Without a version asked for, one published in between changes nothing of what was asked.
    (request.version === undefined || holder.pipeline_version_id === pipeline.pipelineVersionId) &&
    holder.screening_id === (request.screeningId?.toLowerCase() ?? null) &&
    holder.item_key === (request.itemKey ?? null) &&
    sortedJson(holder.params) === sortedJson(parameters) &&
    inputs.length === Object.keys(files).length &&
    inputs.every(({ key, checksum }) => files[key]?.$artifact === checksum)
  );
}

function refuse(key: string): ConflictError {
  const hint = 'it was used for another request; take a new key for each job';
  return new ConflictError({ entity: 'idempotency key', id: key, hint });
}
