import { type Platform, submitJobs } from '@mad/core';
import type { WorkGraph, WorkParameters } from '../work/work-graphs.ts';
import type { LoadJob } from './audit-load.ts';
import type { LoadOrganization } from './load-platform.ts';

export interface SubmitLoad {
  readonly organization: LoadOrganization;
  readonly graph: WorkGraph;
  readonly count: number;
  /** How long the middle step takes. */
  readonly waitMs: number;
  /** Of each file that a step writes. */
  readonly bytes: number;
}

/** Submits so many jobs at once, each with parameters of its own. */
export async function submitLoad(
  platform: Platform,
  { organization, graph, count, waitMs, bytes }: SubmitLoad,
): Promise<readonly LoadJob[]> {
  const requests = Array.from({ length: count }, (_, index) => {
    const parameters: WorkParameters = { salt: `${graph.name} ${index}`, bytes, wait_ms: waitMs };
    return { pipeline: graph.name, parameters: { ...parameters } };
  });
  const outcomes = await submitJobs(platform, organization.caller, requests);
  return outcomes.map(({ index, job, error }) => {
    if (!job) throw error;
    return { jobId: job.jobId, parameters: requests[index]?.parameters as WorkParameters };
  });
}
