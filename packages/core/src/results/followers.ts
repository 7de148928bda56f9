import { CompiledQuery } from 'kysely';
import { prepared } from '../postgres/prepared-statements.ts';
import type { ResultsDatabase } from './results-database.ts';
import { schemaOf } from './schema-of.ts';

/** A new job that could wait for an equal one. */
export interface LeaderSearch {
  readonly jobId: string;
  /** Of the whole job. */
  readonly cacheKey: string;
  readonly priority: number;
}

/** A new job that waits now. */
export interface FoundLeader {
  readonly jobId: string;
  readonly leaderJobId: string;
}

/** A job that ends. */
export interface LedJob {
  readonly jobId: string;
  /** False: it has no result that others may have. */
  readonly isShared: boolean;
  /** Of its result, 0..1; null: not scored. */
  readonly confidence: number | null;
}

/** A job that had waited for one that has ended. */
export interface MovedFollower {
  readonly job_id: string;
  /** True: closed with the leader's result; false: to be run. */
  readonly closed: boolean;
  readonly priority: number;
  readonly resource_class: string;
}

/**
 * Finds for each new job an open one that was asked the same before and is at least as urgent, and lets it wait for that: it will be given its result.
 * A job that finds none leads from now on; one that is more urgent than a leader that has not started takes the lead over. Returns those that wait.
 */
export async function followLeaders(
  db: ResultsDatabase,
  { owner, jobs }: { readonly owner: string; readonly jobs: readonly LeaderSearch[] },
): Promise<readonly FoundLeader[]> {
  // Of equal jobs in one call the most urgent leads.
  const ordered = jobs.toSorted((a, b) => b.priority - a.priority);
  const first = new Map<string, LeaderSearch>();
  for (const job of ordered) if (!first.has(job.cacheKey)) first.set(job.cacheKey, job);
  const led = new Set(await lead(db, { owner, jobs: [...first.values()] }));
  const others = ordered.filter((job) => !led.has(job.cacheKey) || first.get(job.cacheKey) !== job);
  if (others.length === 0) return [];
  return db.transaction().execute(async (tx) => {
    await takeOver(tx, { owner, jobs: [...first.values()].filter(({ cacheKey }) => !led.has(cacheKey)) });
    return follow(tx, others);
  });
}

/**
 * Returns the keys that nobody led. A job that is over already does not lead: nobody would end its flight. Until the flight is written its row is locked, and
 * whoever ends it finds both; one whose row is locked starts or ends just now, and does not lead either.
 */
async function lead(
  db: ResultsDatabase,
  { owner, jobs }: { readonly owner: string; readonly jobs: readonly LeaderSearch[] },
): Promise<readonly string[]> {
  if (jobs.length === 0) return [];
  const s = schemaOf(db);
  const text =
    prepared(`WITH unended AS (SELECT j.job_id FROM ${s}jobs j WHERE j.job_id = ANY($1::uuid[]) AND j.status::text IN ('PENDING', 'RUNNING')
  FOR SHARE SKIP LOCKED)
INSERT INTO ${s}cache_flights (cache_key, owner, job_id, task_name, lease_expires_at)
SELECT g.cache_key, $3, g.job_id, '*', 'infinity' FROM unnest($1::uuid[], $2::text[]) AS g(job_id, cache_key) JOIN unended USING (job_id)
ORDER BY g.cache_key
ON CONFLICT DO NOTHING RETURNING cache_key`);
  const { rows } = await db.executeQuery<{ cache_key: string }>(CompiledQuery.raw(text, [...toColumns(jobs), owner]));
  return rows.map((row) => row.cache_key);
}

/**
 * From leaders that are over, or have not started and are less urgent: those wait for the new leader too, with all who waited for them. Their fence
 * rises, so that an executor which read one before does not start it. A leader whose row is locked starts or ends just now and is left alone: whoever
 * ends one locks its row before its flight, as here, or two could wait for each other. The new leaders are locked as well: one that ended meanwhile would lead for ever.
 */
async function takeOver(
  tx: ResultsDatabase,
  { owner, jobs }: { readonly owner: string; readonly jobs: readonly LeaderSearch[] },
): Promise<void> {
  if (jobs.length === 0) return;
  const s = schemaOf(tx);
  const both = prepared(`SELECT l.job_id FROM ${s}jobs l WHERE l.job_id IN (SELECT f.job_id FROM ${s}cache_flights f
  WHERE f.cache_key = ANY($2::text[]) AND f.task_name = '*' UNION ALL SELECT unnest($1::uuid[])) ORDER BY l.job_id FOR NO KEY UPDATE SKIP LOCKED`);
  const { rows } = await tx.executeQuery<{ job_id: string }>(CompiledQuery.raw(both, toColumns(jobs)));
  if (rows.length === 0) return;
  const text = prepared(`WITH flight AS (SELECT f.cache_key, f.job_id FROM ${s}cache_flights f
  WHERE f.cache_key = ANY($2::text[]) AND f.task_name = '*' AND f.job_id = ANY($4::uuid[]) ORDER BY f.cache_key FOR UPDATE OF f),
taken AS (SELECT g.cache_key, g.job_id AS leader, l.job_id AS former
  FROM flight JOIN unnest($1::uuid[], $2::text[]) AS g(job_id, cache_key) USING (cache_key)
  JOIN ${s}jobs n ON n.job_id = g.job_id JOIN ${s}jobs l ON l.job_id = flight.job_id
  WHERE n.job_id = ANY($4::uuid[]) AND n.status::text = 'PENDING'
    AND (l.status::text NOT IN ('PENDING', 'RUNNING') OR (l.status::text = 'PENDING' AND n.priority > l.priority))),
moved AS (UPDATE ${s}jobs j SET leader_job_id = taken.leader, fence = j.fence + 1, last_event_seq = j.last_event_seq + 1 FROM taken
  WHERE (j.leader_job_id = taken.former OR j.job_id = taken.former) AND j.status::text = 'PENDING' AND j.job_id <> taken.leader
  RETURNING j.job_id, j.last_event_seq, j.leader_job_id),
told AS (INSERT INTO ${s}job_events (job_id, seq_no, ts, event, metadata)
  SELECT job_id, last_event_seq, clock_timestamp(), 'JOB_JOINED', jsonb_build_object('leader_job_id', leader_job_id) FROM moved)
UPDATE ${s}cache_flights f SET job_id = taken.leader, owner = $3, fence = DEFAULT, unshared = false FROM taken WHERE f.cache_key = taken.cache_key`);
  const known = rows.map((row) => row.job_id);
  await tx.executeQuery(CompiledQuery.raw(text, [...toColumns(jobs), owner, known]));
}

async function follow(tx: ResultsDatabase, jobs: readonly LeaderSearch[]): Promise<readonly FoundLeader[]> {
  const s = schemaOf(tx);
  // The flight's row is locked until the followers are written: its leader's end, which deletes it, comes before or after, never between. A job whose
  // row is locked is being run already.
  const text = prepared(`WITH flight AS (SELECT f.cache_key, f.job_id FROM ${s}cache_flights f
  WHERE f.cache_key = ANY($2::text[]) AND f.task_name = '*' ORDER BY f.cache_key FOR SHARE OF f),
follower AS (SELECT j.job_id, flight.job_id AS leader, j.last_event_seq
  FROM unnest($1::uuid[], $2::text[]) AS g(job_id, cache_key) JOIN flight USING (cache_key) JOIN ${s}jobs j ON j.job_id = g.job_id
  WHERE j.status::text = 'PENDING' AND j.job_id <> flight.job_id
  FOR NO KEY UPDATE OF j SKIP LOCKED),
told AS (INSERT INTO ${s}job_events (job_id, seq_no, ts, event, metadata)
  SELECT job_id, last_event_seq + 1, clock_timestamp(), 'JOB_JOINED', jsonb_build_object('leader_job_id', leader) FROM follower)
UPDATE ${s}jobs j SET leader_job_id = follower.leader, last_event_seq = follower.last_event_seq + 1
FROM follower WHERE j.job_id = follower.job_id
RETURNING j.job_id, j.leader_job_id`);
  const { rows } = await tx.executeQuery<{ job_id: string; leader_job_id: string }>(
    CompiledQuery.raw(text, toColumns(jobs)),
  );
  return rows.map((row) => ({ jobId: row.job_id, leaderJobId: row.leader_job_id }));
}

const toColumns = (jobs: readonly LeaderSearch[]) => [
  jobs.map(({ jobId }) => jobId),
  jobs.map(({ cacheKey }) => cacheKey),
];

/**
 * What becomes of the jobs that waited for those that end: they are given that result, where it is good enough for them and nothing of it was taken out
 * of service meanwhile, else they are to be run. Part of the transaction that closes the leaders and records their results.
 */
export async function closeFollowers(
  tx: ResultsDatabase,
  { led }: { readonly led: readonly LedJob[] },
): Promise<readonly MovedFollower[]> {
  if (led.length === 0) return [];
  const s = schemaOf(tx);
  const ids = led.map(({ jobId }) => jobId);
  const end =
    prepared(`WITH ended AS (SELECT cache_key FROM ${s}cache_flights WHERE job_id = ANY($1::uuid[]) AND task_name = '*'
  ORDER BY cache_key FOR UPDATE)
DELETE FROM ${s}cache_flights f USING ended WHERE f.cache_key = ended.cache_key RETURNING f.cache_key`);
  const { rows: ended } = await tx.executeQuery(CompiledQuery.raw(end, [ids]));
  // Whoever waits found its leader by its flight.
  if (ended.length === 0) return [];
  const close =
    prepared(`WITH leader AS (SELECT g.job_id, g.confidence, g.shared AND NOT ${s}mad_is_tainted(g.job_id) AS shared
  FROM unnest($1::uuid[], $2::bool[], $3::float8[]) AS g(job_id, shared, confidence)),
follower AS (
  SELECT j.job_id, j.last_event_seq, l.job_id AS canonical_job_id,
    l.shared AND coalesce(l.confidence >= w.wanted, w.wanted IS NULL OR w.wanted <= 0) AS closed
  FROM leader l JOIN ${s}jobs j ON j.leader_job_id = l.job_id
  CROSS JOIN LATERAL (SELECT (j.cache->>'min_confidence')::float8 AS wanted) w
  WHERE j.status::text = 'PENDING' AND j.cancel_requested_at IS NULL
  FOR NO KEY UPDATE OF j),
told AS (INSERT INTO ${s}job_events (job_id, seq_no, ts, event, metadata)
  SELECT f.job_id, f.last_event_seq + t.place, clock_timestamp(), t.event,
    CASE t.event WHEN 'CACHE_HIT' THEN jsonb_build_object('canonical_job_id', f.canonical_job_id) ELSE '{}' END
  FROM follower f CROSS JOIN (VALUES (1, 'CACHE_HIT'), (2, 'COMPLETED')) AS t(place, event) WHERE f.closed),
closed AS (UPDATE ${s}jobs j SET status = 'COMPLETED', canonical_job_id = f.canonical_job_id, leader_job_id = NULL, last_event_seq = f.last_event_seq + 2,
  timings = j.timings || jsonb_build_object('ended', to_char(now() AT TIME ZONE 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')),
  cache = j.cache || '{"outcome": "hit", "reason": null}'
  FROM follower f WHERE f.job_id = j.job_id AND f.closed RETURNING j.job_id, true AS closed, j.priority, j.resource_class),
freed AS (UPDATE ${s}jobs j SET leader_job_id = NULL
  FROM follower f WHERE f.job_id = j.job_id AND NOT f.closed RETURNING j.job_id, false AS closed, j.priority, j.resource_class)
SELECT * FROM closed UNION ALL SELECT * FROM freed`);
  const parameters = [ids, led.map(({ isShared }) => isShared), led.map(({ confidence }) => confidence)];
  return (await tx.executeQuery<MovedFollower>(CompiledQuery.raw(close, parameters))).rows;
}
