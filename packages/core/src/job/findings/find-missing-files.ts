import PQueue from 'p-queue';
import { parseArtifactUri } from '../../artifacts/artifact-uri.ts';
import { isDigest } from '../../artifacts/is-digest.ts';
import { type JobAudit, type JobFile, listJobFiles } from '../../results/job-audit.repository.ts';
import type { Examined } from './examined.ts';
import type { Issue } from './finding.ts';

const CONCURRENCY = 8;
/** Digests remembered as there: a receptor is an input of thousands of jobs. */
const REMEMBERED = 100_000;

/** A check for files that rows of jobs name and whose bytes are gone. Each digest is asked for once. */
export function createFileCheck({ platform, orgId, results }: Examined) {
  const { artifacts } = platform;
  const known = new Map<string, boolean>();
  const slots = new PQueue({ concurrency: CONCURRENCY });

  return async function* findMissingFiles(jobs: readonly JobAudit[]): AsyncGenerator<Issue> {
    if (!artifacts) return;
    if (known.size > REMEMBERED) known.clear();
    const files = await listJobFiles(results, { jobIds: jobs.map((job) => job.job_id) });
    const digests = new Set(files.flatMap((file) => digestOf(file) ?? []));
    const ask = async (digest: string) => void known.set(digest, (await artifacts.head(orgId, digest)) !== undefined);
    await slots.addAll([...digests].filter((digest) => !known.has(digest)).map((digest) => () => ask(digest)));
    for (const file of files) {
      const digest = digestOf(file);
      if (digest === undefined || known.get(digest)) continue;
      yield {
        kind: 'artifact_missing',
        jobId: file.job_id,
        found: `${file.kind} ${file.key} is artifact ${digest}, and its bytes are not there`,
        remedy: 'restore them from a backup, or run the job again',
      };
    }
  };
}

function digestOf({ uri, checksum }: JobFile): string | undefined {
  const digest = parseArtifactUri(uri)?.digest ?? checksum ?? '';
  return isDigest(digest) ? digest : undefined;
}
