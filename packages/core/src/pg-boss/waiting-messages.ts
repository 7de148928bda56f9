import { sql } from 'kysely';
import type { DepthPart } from '../queue/queue-depth.ts';
import type { AnyKysely } from './boss-database.ts';
import { isOurs, type Lane, parseQueueName } from './queue-name.ts';

/** Where pg-boss keeps its messages. */
export interface BossTables {
  readonly schema: string;
}

/** A message that may be delivered now: its lane, and its place there. */
export interface Head {
  readonly lane: Lane;
  readonly name: string;
  readonly bossPriority: number;
}

// The same words as pg-boss's own fetch: they let its partial index answer.
const isWaiting = sql`j.state < 'active' and not j.blocked`;
const isDue = sql`${isWaiting} and j.start_after <= now()`;

/** Names of the queues in which a message is due. Jumps from name to name in pg-boss's index: its cost is the number of queues, not of messages. */
export async function listWaitingLanes(db: AnyKysely, { schema }: BossTables): Promise<string[]> {
  const job = sql.id(schema, 'job');
  const { rows } = await sql<{ name: string }>`
    with recursive lane(name) as (
      (select j.name from ${job} j where ${isWaiting} order by j.name limit 1)
      union all
      select (select j.name from ${job} j where ${isWaiting} and j.name > lane.name order by j.name limit 1)
      from lane where lane.name is not null
    )
    select name from lane where name is not null and exists (select from ${job} j where j.name = lane.name and ${isDue})`.execute(
    db,
  );
  return rows.map(({ name }) => name).filter(isOurs);
}

/** The first messages of each of the queues, in the order in which pg-boss would deliver them. */
export async function listHeads(
  db: AnyKysely,
  { schema, names, limit }: BossTables & { readonly names: readonly string[]; readonly limit: number },
): Promise<Head[]> {
  const { rows } = await sql<{ name: string; priority: number }>`
    select lane.name, head.priority
    from unnest(${[...names]}::text[]) as lane(name)
    cross join lateral (
      select j.priority, j.created_on from ${sql.id(schema, 'job')} j where j.name = lane.name and ${isDue}
      order by j.priority desc, j.created_on limit ${limit}
    ) head
    order by head.priority desc, head.created_on`.execute(db);
  return rows.map(({ name, priority }) => ({ lane: parseQueueName(name), name, bossPriority: priority }));
}

/** What is due in every queue of ours. */
export async function countWaiting(db: AnyKysely, { schema }: BossTables): Promise<DepthPart[]> {
  const { rows } = await sql<{ name: string; waiting: number; oldest_ms: number }>`
    select j.name, count(*)::int as waiting,
      (extract(epoch from now() - min(greatest(j.created_on, j.start_after))) * 1000)::float8 as oldest_ms
    from ${sql.id(schema, 'job')} j
    where ${isDue}
    group by j.name`.execute(db);
  const ours = rows.filter(({ name }) => isOurs(name));
  return ours.map(({ name, waiting, oldest_ms }) => ({
    orgId: parseQueueName(name).orgId,
    waiting,
    running: 0,
    oldestMs: Math.max(0, oldest_ms),
  }));
}
