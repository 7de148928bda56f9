import { NotFoundError } from '../../errors.ts';
import { deleteJobMeta, replaceJobMeta } from '../../metadata/job-meta.repository.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { listMirroredJobs } from '../../results/mirrored-job.repository.ts';
import { toMirrors } from '../to-mirrors.ts';
import { writeMirrors } from '../write-mirrors.ts';
import type { Examined } from './examined.ts';

type Place = Pick<Examined, 'platform' | 'orgId' | 'results'>;

/** Mirrors all of the jobs with the first call, and throws for the one asked for if the Metadata DB refused it. */
export function remirrorOnce(
  { platform, orgId, results }: Place,
  jobIds: readonly string[],
): (jobId: string) => Promise<void> {
  let refused: Promise<ReadonlyMap<string, unknown>> | undefined;
  const mirror = async () => {
    const written = await writeMirrors(platform.metadata, { orgId, jobs: await listMirroredJobs(results, { jobIds }) });
    return new Map(written.refused.map(({ jobId, error }) => [jobId, error]));
  };
  return async (jobId) => {
    refused ??= mirror();
    const errors = await refused;
    if (errors.has(jobId)) throw errors.get(jobId);
  };
}

/** Puts what the job is now in the place of its mirror. */
export async function replaceMirror({ platform, orgId, results }: Place, jobId: string): Promise<void> {
  const [mirror] = toMirrors(await listMirroredJobs(results, { jobIds: [jobId] }));
  if (!mirror) throw new NotFoundError({ entity: 'job', id: jobId });
  await inOrganization(platform.metadata, orgId, (tx) => replaceJobMeta(tx, mirror));
}

/** Deletes the mirror of a job that is not there. */
export async function deleteUnknown({ platform, orgId, results }: Place, jobId: string): Promise<void> {
  const found = await listMirroredJobs(results, { jobIds: [jobId] });
  if (found.length === 0) await inOrganization(platform.metadata, orgId, (tx) => deleteJobMeta(tx, { jobId }));
}
