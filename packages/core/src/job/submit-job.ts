import type { ArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import { ConflictError, ValidationFailedError } from '../errors.ts';
import { newId } from '../ids.ts';
import { type JsonObject, sortedJson } from '../json.ts';
import { getPublishedPipeline, type PublishedPipeline } from '../pipeline/published-pipeline.ts';
import type { Platform } from '../platform.ts';
import type { CacheDecision, CacheIdentity } from '../ports/result-cache.ts';
import { findJobByIdempotencyKey, insertJob, listJobInputs } from '../results/job.repository.ts';
import { appendJobEvents } from '../results/job-event.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import type { JobStatus } from '../results/tables/job-status.ts';
import { compileSchema } from '../schema/compile-schema.ts';
import type { JsonSchema } from '../schema/json-schema.ts';
import { type Caller, requirePermission } from './caller.ts';
import { checkSubmitRequest } from './check-submit-request.ts';
import { identifyJob } from './identify-job.ts';
import { type JobCache, parseJobCache } from './job-cache.ts';
import { mirrorJob } from './mirror-job.ts';
import { resolveInputs } from './resolve-inputs.ts';

export interface SubmitJob {
  /** Name of a pipeline the organization sees. */
  readonly pipeline: string;
  /** @default the pipeline's latest version */
  readonly version?: string | undefined;
  /** Input key → `mad://` URI of a molecule or artifact of the organization. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  readonly parameters?: JsonObject | undefined;
  /** False: compute again, and record. @default true */
  readonly useCache?: boolean | undefined;
  /** Cached results scored lower, or not scored, are not served. @default none */
  readonly minConfidence?: number | undefined;
  /** Submitting the same again with the same key answers with the first job; another request under it is refused. 255 characters at most. */
  readonly idempotencyKey?: string | undefined;
  /** Higher runs first. @default 0 */
  readonly priority?: number | undefined;
}

export interface SubmittedJob {
  readonly jobId: string;
  readonly status: JobStatus;
  readonly cache: { readonly hit: boolean; readonly canonicalJobId: string | null };
}

/**
 * Accepts a job: from then on it reaches exactly one terminal state. A result that is already known answers at once, as a COMPLETED job of its
 * own. What cannot be accepted throws and leaves nothing behind.
 * @throws {PermissionDeniedError} without `job.create`
 * @throws {NotFoundError} when the pipeline or its version is not there
 * @throws {ConflictError} when the idempotency key was used for another request
 * @throws {ValidationFailedError} when inputs or parameters break the version's schemas
 */
export async function submitJob(platform: Platform, caller: Caller, request: SubmitJob): Promise<SubmittedJob> {
  requirePermission(caller, 'job.create');
  checkSubmitRequest(request);
  const { orgId } = caller;
  const pipeline = await getPublishedPipeline(platform.metadata, caller, request);
  const asked = await checkRequest(platform, { pipeline, request, orgId });
  const results = await platform.results.get(orgId);
  if (request.idempotencyKey !== undefined) {
    const first = await findJobByIdempotencyKey(results, { idempotencyKey: request.idempotencyKey });
    if (first) return toRepeated(results, first, { ...asked, caller, pipeline, request });
  }
  const answer = await lookUp(platform, results, { ...asked, orgId, pipeline, request });
  const job = await accept(results, { ...asked, ...answer, caller, pipeline, request }).catch(
    async (error: unknown) => {
      // Two submissions of one key at once: the second answers with the first's job.
      if (!(error instanceof ConflictError) || request.idempotencyKey === undefined) throw error;
      const first = await findJobByIdempotencyKey(results, { idempotencyKey: request.idempotencyKey });
      if (!first) throw error;
      return first;
    },
  );
  await mirrorJob(platform, { orgId, jobId: job.job_id });
  if (job.status === 'PENDING') await platform.queue.enqueue([{ orgId, jobId: job.job_id, priority: job.priority }]);
  return toSubmitted(job);
}

interface Asked {
  /** Input key → its stored file. */
  readonly files: Readonly<Record<string, ArtifactReference>>;
  /** With the schema's defaults. */
  readonly parameters: JsonObject;
}

async function checkRequest(
  platform: Platform,
  { pipeline, request, orgId }: { pipeline: PublishedPipeline; request: SubmitJob; orgId: string },
): Promise<Asked> {
  const { spec } = pipeline;
  const inputs = fit(spec.inputs, 'inputs', { ...request.inputs });
  const parameters = fit(spec.parameters, 'parameters', request.parameters ?? {});
  const files = await resolveInputs(platform, { orgId, inputs, schema: spec.inputs });
  return { files, parameters };
}

function fit<T extends JsonObject>(schema: JsonSchema, subject: 'inputs' | 'parameters', value: T): T {
  const compiled = compileSchema(schema, { subject: `schema of the pipeline's ${subject}` });
  const filled = compiled.applyDefaults(value);
  const issues = compiled.check(filled).map(({ pointer, message }) => ({ pointer: `/${subject}${pointer}`, message }));
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues });
  return filled;
}

interface Answer {
  readonly identity: CacheIdentity | undefined;
  readonly decision: CacheDecision;
}

async function lookUp(
  { cache }: Platform,
  results: ResultsDatabase,
  {
    orgId,
    pipeline,
    files,
    parameters,
    request,
  }: Asked & { orgId: string; pipeline: PublishedPipeline; request: SubmitJob },
): Promise<Answer> {
  const identity = cache && identifyJob(cache, { spec: pipeline.spec, inputs: files, parameters });
  if (!cache || !identity || request.useCache === false)
    return { identity, decision: { outcome: 'miss', reason: 'off' } };
  return {
    identity,
    decision: await cache.find(results, { orgId, cacheKey: identity.cacheKey, minConfidence: request.minConfidence }),
  };
}

/** One transaction in the Results DB, which holds the truth; the mirror and the queue follow, and are repaired from it. */
async function accept(
  results: ResultsDatabase,
  {
    caller,
    pipeline,
    request,
    files,
    parameters,
    identity,
    decision,
  }: Asked & Answer & { caller: Caller; pipeline: PublishedPipeline; request: SubmitJob },
): Promise<JobRow> {
  const jobId = newId();
  const hit = decision.outcome === 'hit' ? decision : undefined;
  const cache: JobCache = {
    use: request.useCache ?? true,
    min_confidence: request.minConfidence ?? null,
    outcome: decision.outcome,
    reason: decision.outcome === 'miss' ? decision.reason : null,
    cache_key: identity?.cacheKey ?? null,
  };
  return results.transaction().execute(async (tx) => {
    const job = await insertJob(tx, {
      job: {
        job_id: jobId,
        status: hit ? 'COMPLETED' : 'PENDING',
        pipeline_version: `${pipeline.name}@${pipeline.version}`,
        pipeline_id: pipeline.pipelineId,
        pipeline_version_id: pipeline.pipelineVersionId,
        spec: pipeline.storedSpec,
        params: parameters,
        input_signature: identity?.inputSignature ?? null,
        submitted_by: caller.userId,
        idempotency_key: request.idempotencyKey ?? null,
        priority: request.priority ?? 0,
        canonical_job_id: hit?.canonicalJobId ?? null,
        cache: { ...cache },
      },
      inputs: Object.entries(files).map(([key, file]) => ({
        key,
        uri: formatArtifactUri({ orgId: caller.orgId, digest: file.$artifact }),
        content_type: file.contentType,
        size_bytes: file.sizeBytes,
        checksum: file.$artifact,
      })),
    });
    const cached = hit
      ? [{ event: 'CACHE_HIT', metadata: { canonical_job_id: hit.canonicalJobId } }, { event: 'COMPLETED' }]
      : [];
    await appendJobEvents(tx, { jobId, events: [{ event: 'QUEUED' }, ...cached] });
    return job;
  });
}

/** The first job of an idempotency key, if it was asked the same by the same caller. @throws {ConflictError} */
async function toRepeated(
  results: ResultsDatabase,
  first: JobRow,
  {
    caller,
    pipeline,
    request,
    files,
    parameters,
  }: Asked & { caller: Caller; pipeline: PublishedPipeline; request: SubmitJob },
): Promise<SubmittedJob> {
  const inputs = await listJobInputs(results, { jobId: first.job_id });
  const isSame =
    first.submitted_by === caller.userId &&
    first.pipeline_id === pipeline.pipelineId &&
    // Without a version asked for, one published in between changes nothing of what was asked.
    (request.version === undefined || first.pipeline_version_id === pipeline.pipelineVersionId) &&
    sortedJson(first.params) === sortedJson(parameters) &&
    inputs.length === Object.keys(files).length &&
    inputs.every(({ key, checksum }) => files[key]?.$artifact === checksum);
  if (isSame) return toSubmitted(first);
  const hint = 'it was used for another request; take a new key for each job';
  throw new ConflictError({ entity: 'idempotency key', id: request.idempotencyKey ?? '', hint });
}

function toSubmitted(job: JobRow): SubmittedJob {
  const { outcome } = parseJobCache(job.cache);
  return {
    jobId: job.job_id,
    status: job.status,
    cache: { hit: outcome === 'hit', canonicalJobId: job.canonical_job_id },
  };
}
