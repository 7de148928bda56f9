import { inAllOrganizations, type OrgId, type Placement, type ResultsDatabase } from '@mad/core';
import { sql } from 'kysely';
import { expect } from 'vitest';
import { createResultsDatabases, type MoveStep } from '../../src/index.ts';
import type { Platform } from './describe-provisioning.ts';
import { fillResults } from './fill-results.ts';

export const MOVE_STEPS: readonly MoveStep[] = ['prepare', 'fence', 'copy', 'verify', 'switch', 'drop', 'end'];

/** Runs on the organization's Results DB as a host reaches it. */
export async function withResults<T>(
  platform: Platform,
  orgId: OrgId,
  run: (results: ResultsDatabase) => Promise<T>,
): Promise<T> {
  await using databases = createResultsDatabases(platform);
  return await run(await databases.get(orgId));
}

export const fill = (platform: Platform, orgId: OrgId) =>
  withResults(platform, orgId, (results) => fillResults(results, { orgId }));

const TABLES = [
  'jobs',
  'job_inputs',
  'job_outputs',
  'docking_results',
  'task_executions',
  'task_results',
  'task_logs',
  'job_events',
  'result_cache',
  'cache_flights',
  'cache_events',
  'pipeline_specs',
] as const;

/** Every row of the Results DB as its database writes it. */
export const readAll = (platform: Platform, orgId: OrgId) =>
  withResults(platform, orgId, async (results) => {
    const rows: Record<string, readonly string[]> = {};
    for (const table of TABLES) {
      const found = await results
        .selectFrom((eb) =>
          eb
            .selectFrom(table as 'jobs')
            .selectAll()
            .as('r'),
        )
        .select(sql<string>`to_jsonb(r)::text`.as('line'))
        .execute();
      expect(found.length).toBeGreaterThan(0);
      rows[table] = found.map(({ line }) => line).sort();
    }
    return rows;
  });

/** Where the directory says that the organization's Results DB is. */
export const readPlace = async (platform: Platform, orgId: OrgId) => {
  const [row] = await inAllOrganizations(platform.metadata, (tx) =>
    tx.selectFrom('org_databases').selectAll().where('org_id', '=', orgId).execute(),
  );
  return row;
};

/** What the counters give out next. */
export const drawNext = (platform: Platform, orgId: OrgId) =>
  withResults(platform, orgId, async (results) => {
    const event = await results
      .insertInto('cache_events')
      .values({ cache_key: 'next', event: 'PINNED' })
      .returning('event_id')
      .executeTakeFirstOrThrow();
    const flight = await results
      .insertInto('cache_flights')
      .values({ cache_key: 'next', owner: 'w', lease_expires_at: new Date() })
      .returning('fence')
      .executeTakeFirstOrThrow();
    return { event: Number(event.event_id), flight: Number(flight.fence) };
  });

export const other = (placement: Placement): Placement => (placement === 'schema' ? 'database' : 'schema');
