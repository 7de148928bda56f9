import { type Logger, ResultsDatabaseMismatchError } from '@mad/core';
import { type Kysely, sql } from 'kysely';
import { PlaceNotOurOwnError } from '../errors.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { openClusterSession } from './cluster-session.ts';
import { dropPlace } from './ensure-results-database.ts';
import { readFence } from './fence-writes.ts';
import { inClusterDatabase } from './in-cluster-database.ts';
import { isHalfDropped } from './is-half-dropped.ts';
import { placeResultsDatabase, type ResultsDatabasePlace } from './results-database-place.ts';

interface Surroundings {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

/** Runs on a connection of its own to the database that the place is in. @throws {ResultsDatabaseUnreachableError} */
export function inPlace<T>(
  { cluster, database }: ResultsDatabasePlace,
  { clusters, logger }: Surroundings,
  run: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  return inClusterDatabase({ cluster: getCluster(clusters, cluster), name: cluster, database, logger }, run);
}

/** Whether the database or schema of the place is there, filled or not. */
export async function placeExists(place: ResultsDatabasePlace, { clusters, logger }: Surroundings): Promise<boolean> {
  const cluster = getCluster(clusters, place.cluster);
  return inClusterDatabase({ cluster, name: place.cluster, database: undefined, logger }, async (db) => {
    const found =
      place.placement === 'database'
        ? sql`select from pg_database where datname = ${place.database}`
        : sql`select from pg_namespace where nspname = ${place.schema}`;
    return (await found.execute(db)).rows.length > 0;
  });
}

/** @throws {PlaceNotOurOwnError} for a place whose name was not made from the organization's id: what else lies there is not known. */
export function checkPlaceIsOwn(place: ResultsDatabasePlace): void {
  const { database, schema } = placeResultsDatabase(place);
  if (database !== place.database || schema !== place.schema) {
    const { orgId, cluster } = place;
    throw new PlaceNotOurOwnError({ orgId, cluster, name: place.database ?? place.schema });
  }
}

export interface ExpectedPlace {
  /** The id of the transition that it is fenced for; undefined: it is not fenced. */
  readonly fencedBy: string | undefined;
  /** Asked last of all; what it throws is thrown, and nothing is dropped. */
  readonly check?: (() => Promise<void>) | undefined;
}

/**
 * Drops the place with all that is in it, connections included; does nothing where it is gone. Never one that is stamped for another organization,
 * nor one that is fenced for another transition than the caller's, or is not fenced where it should be: then it is not what the caller takes it for. A
 * database of which a server died while it dropped it cannot be looked into any more, and goes.
 * @throws {PlaceNotOurOwnError} @throws {ResultsDatabaseMismatchError} and nothing is dropped.
 */
export async function dropOwnPlace(
  place: ResultsDatabasePlace,
  surroundings: Surroundings,
  expected: ExpectedPlace,
): Promise<void> {
  checkPlaceIsOwn(place);
  if (!(await placeExists(place, surroundings))) return;
  await using session = await openClusterSession({ ...surroundings, cluster: place.cluster });
  const isGoing = place.database !== undefined && (await isHalfDropped(session.db, place.database));
  if (!isGoing) await checkContent(place, surroundings, expected);
  await expected.check?.();
  await dropPlace(session, place);
}

async function checkContent(
  place: ResultsDatabasePlace,
  surroundings: Surroundings,
  expected: ExpectedPlace,
): Promise<void> {
  const { orgId, cluster, database, schema } = place;
  await inPlace(place, surroundings, async (db) => {
    if ((await readFence(db, schema)) !== expected.fencedBy)
      throw new PlaceNotOurOwnError({ orgId, cluster, name: database ?? schema });
    const { rows } =
      await sql`select from pg_tables where schemaname = ${schema} and tablename = 'results_database'`.execute(db);
    if (rows.length === 0) return;
    const stamps = await sql<{ org_id: string }>`select org_id from ${sql.id(schema, 'results_database')}`.execute(db);
    const stamp = stamps.rows[0]?.org_id;
    if (stamp !== undefined && stamp !== orgId)
      throw new ResultsDatabaseMismatchError({ expected: orgId, found: stamp });
  });
}
