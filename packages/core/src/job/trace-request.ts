import { authorize } from '../access/authorize.ts';
import type { Caller } from '../access/caller.ts';
import type { Platform } from '../platform.ts';
import { type DecidedJob, lookUpJobs } from './look-up-jobs.ts';
import type { SubmitJob } from './parse-submit-request.ts';
import { prepareJobs } from './prepare-jobs.ts';
import type { TracedJob } from './trace-steps.ts';

/** A job as it would be submitted. */
export interface TracedRequest extends TracedJob, Pick<DecidedJob, 'request' | 'identity' | 'decision' | 'demands'> {
  /** The label `name@version`. */
  readonly pipelineVersion: string;
}

/**
 * What a request would be a job of, and what the cache would answer for it as a whole. Checked and looked up as `submitJob` does it; nothing is
 * written, and no hit is counted.
 * @throws {PermissionDeniedError} without `job.create`
 * @throws {NotFoundError} when the pipeline or its version is not there
 * @throws {ValidationFailedError} when the request is malformed, or inputs or parameters break the version's schemas
 */
export async function traceRequest(platform: Platform, caller: Caller, request: SubmitJob): Promise<TracedRequest> {
  authorize(caller, 'job.create');
  const { orgId } = caller;
  const { prepared, refused } = await prepareJobs(platform, caller, [request]);
  const results = await platform.results.get(orgId);
  const [job] = await lookUpJobs(platform, results, { orgId, jobs: prepared, peek: true });
  if (!job) throw refused.get(0);
  const { pipeline, files: inputs, parameters, identity, decision, demands } = job;
  const { spec, name, version } = pipeline;
  const facts = { orgId, spec, inputs, parameters, identity, decision, demands };
  return { ...facts, request: job.request, pipelineVersion: `${name}@${version}` };
}
