import type { Kysely } from 'kysely';
import type { Caller } from '../../src/access/caller.ts';
import type { Platform } from '../../src/platform.ts';
import { appendJobEvents } from '../../src/results/job-event.repository.ts';
import { openResultsDatabase } from '../../src/results/open-results-database.ts';
import type { ResultsDatabase } from '../../src/results/results-database.ts';
import { SCHEMA } from '../results/each-database.ts';

export const ORG_ID = '0195d0c0-0000-7000-8000-00000000000a';

export const caller: Caller = {
  orgId: ORG_ID,
  userId: null,
  permissions: new Set(['job.view', 'job.cancel']),
};

/** A platform with a Results DB and no more: all that following takes, where the test itself moves the jobs on. */
export function createFollowedPlatform(db: Kysely<unknown>, more: Partial<Platform> = {}): Platform {
  const results = openResultsDatabase(db, { schema: SCHEMA });
  return { metadata: db, results: { get: async () => results }, ...more } as unknown as Platform;
}

/** Appends events in one commit and, at the end, closes the waiting job with them. */
export async function advance(
  results: ResultsDatabase,
  { jobId, events, end = false }: { jobId: string; events: readonly string[]; end?: boolean },
): Promise<void> {
  await results.transaction().execute(async (tx) => {
    if (end) await tx.updateTable('jobs').set({ status: 'CANCELED' }).where('job_id', '=', jobId).execute();
    await appendJobEvents(tx, { jobId, events: events.map((event) => ({ event })) });
  });
}
