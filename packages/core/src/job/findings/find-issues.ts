import { ResultsDatabaseMismatchError } from '../../errors.ts';
import { listJobAudits } from '../../results/job-audit.repository.ts';
import { checkResultsStamp } from '../../results/results-stamp.ts';
import type { Examined, FindIssues, ReconciledPlatform } from './examined.ts';
import { findJobIssues } from './find-job-issues.ts';
import { findMirrorIssues } from './find-mirror-issues.ts';
import { createFileCheck } from './find-missing-files.ts';
import { findQueueIssues } from './find-queue-issues.ts';
import { findUnknownJobs } from './find-unknown-jobs.ts';
import { type Issue, reasonOf } from './finding.ts';

const PAGE = 500;
const BEFORE_ALL_IDS = '00000000-0000-0000-0000-000000000000';

/** Everything that is wrong with one organization; returns how many jobs were looked at. An error ends its examination, as an issue of its own. */
export async function* findIssues(platform: ReconciledPlatform, request: FindIssues): AsyncGenerator<Issue, number> {
  let jobs = 0;
  try {
    const results = await platform.results.get(request.orgId);
    await checkResultsStamp(results, request);
    const examined = { ...request, platform, results };
    const findMissingFiles = createFileCheck(examined);
    for await (const page of pages(examined)) {
      jobs += page.length;
      yield* findMirrorIssues(examined, page);
      yield* findJobIssues(examined, page);
      yield* findMissingFiles(page);
    }
    yield* findUnknownJobs(examined);
    yield* findQueueIssues(examined);
  } catch (error) {
    yield toIssue(error);
  }
  return jobs;
}

async function* pages({ results, graceMs, signal }: Examined) {
  let afterJobId = BEFORE_ALL_IDS;
  while (!signal?.aborted) {
    const page = await listJobAudits(results, { afterJobId, limit: PAGE, graceMs });
    if (page.length > 0) yield page;
    if (page.length < PAGE) return;
    afterJobId = page.at(-1)?.job_id ?? afterJobId;
  }
}

function toIssue(error: unknown): Issue {
  if (error instanceof ResultsDatabaseMismatchError)
    return {
      kind: 'stamp_mismatch',
      jobId: null,
      found: error.message,
      remedy: 'correct where org_databases leads to, or migrate the database with its orgId',
    };
  return {
    kind: 'database_unreachable',
    jobId: null,
    found: `the examination ended: ${reasonOf(error)}`,
    remedy: 'mend that, and run this again',
  };
}
