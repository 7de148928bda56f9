import { toInputs } from '../executor/job-close.ts';
import type { OrgId } from '../ids.ts';
import { parsePublishedSpec } from '../pipeline/pipeline-spec.ts';
import { listJobInputs } from '../results/job.repository.ts';
import { getPipelineSpec } from '../results/pipeline-spec.repository.ts';
import type { ResultsDatabase } from '../results/results-database.ts';
import type { JobRow } from '../results/tables/job.table.ts';
import type { TracedJob } from './trace-steps.ts';

/** What a stored job runs, and from what; undefined for a job that was written by other means, without a spec. */
export async function traceJob(
  results: ResultsDatabase,
  { orgId, job }: { readonly orgId: OrgId; readonly job: JobRow },
): Promise<TracedJob | undefined> {
  const { spec, spec_digest: digest, job_id: jobId, params: parameters } = job;
  const stored = spec ?? (digest === null ? undefined : await getPipelineSpec(results, { digest }));
  if (!stored) return undefined;
  const inputs = toInputs({ inputs: await listJobInputs(results, { jobId }) });
  return { orgId, spec: parsePublishedSpec(stored), inputs, parameters };
}
