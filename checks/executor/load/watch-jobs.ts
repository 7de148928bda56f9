import { setTimeout } from 'node:timers/promises';
import { connectPostgres } from '@mad/core';
import { sql } from 'kysely';
import type { LoadOrganization } from './load-platform.ts';

/** What the rows of one organization's jobs say. */
export interface WatchedJobs {
  readonly open: number;
  /** Jobs that ended otherwise than COMPLETED. */
  readonly failed: number;
  /** Jobs of which `jobs_meta` says something else than `jobs`. */
  readonly unmirrored: number;
}

export interface WatchWait {
  readonly withinMs: number;
  /** Called with every look; what it throws ends the wait. */
  readonly onLook?: (() => void) | undefined;
  /** Called about every ten seconds. */
  readonly onSeen?: ((seen: WatchedJobs) => void) | undefined;
}

/** Looks at an organization's jobs from outside of the library. */
export interface JobsWatch extends AsyncDisposable {
  look(): Promise<WatchedJobs>;
  /** Looks until what was seen will do, and returns that; a database that is away is waited for. The last look after `withinMs`, will it do or not. */
  until(isEnough: (seen: WatchedJobs) => boolean, wait: WatchWait): Promise<WatchedJobs>;
}

const LOOK_EVERY_MS = 200;
const TELL_EVERY_MS = 10_000;

export function watchJobs(connectionString: string, { schema }: LoadOrganization): JobsWatch {
  const db = connectPostgres({ connectionString, max: 1 });
  const look = async (): Promise<WatchedJobs> => {
    const { rows } = await sql<WatchedJobs>`
      select count(*) filter (where j.status in ('PENDING', 'RUNNING'))::int as open,
        count(*) filter (where j.status in ('FAILED', 'CANCELED'))::int as failed,
        count(*) filter (where m.job_id is null or m.status::text <> j.status::text or m.event_no <> j.last_event_seq or m.fence <> j.fence)::int
          as unmirrored
      from ${sql.id(schema, 'jobs')} j left join jobs_meta m using (job_id)`.execute(db);
    return rows[0] ?? { open: 0, failed: 0, unmirrored: 0 };
  };
  return {
    look,
    async until(isEnough, { withinMs, onLook, onSeen }) {
      const deadline = performance.now() + withinMs;
      let tellAt = performance.now() + TELL_EVERY_MS;
      for (;;) {
        onLook?.();
        const isLast = performance.now() > deadline;
        const seen = await look().catch((error: unknown) => {
          if (isLast) throw error;
        });
        if (seen && (isLast || isEnough(seen))) return seen;
        if (seen && performance.now() > tellAt) {
          tellAt = performance.now() + TELL_EVERY_MS;
          onSeen?.(seen);
        }
        await setTimeout(LOOK_EVERY_MS);
      }
    },
    [Symbol.asyncDispose]: () => db.destroy(),
  };
}
