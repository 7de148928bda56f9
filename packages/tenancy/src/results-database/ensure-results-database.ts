import { findSqlState, type Logger, migrateResults, SQLSTATE } from '@mad/core';
import { sql } from 'kysely';
import { PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { inClusterDatabase } from './in-cluster-database.ts';
import type { ResultsDatabasePlace } from './results-database-place.ts';

interface Surroundings {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

/** SQLSTATE `duplicate_database`. */
const DUPLICATE_DATABASE = '42P04';

/**
 * Makes sure that the place's database exists; a schema comes with its migrations. Does nothing when it is there, also when another process makes it now.
 * @throws {PlacementUnsupportedError} for a database of its own on PGlite.
 * @throws {ClusterUnknownError}
 */
export async function ensureDatabase(place: ResultsDatabasePlace, { clusters, logger }: Surroundings): Promise<void> {
  const { placement, database, cluster: name } = place;
  const cluster = getCluster(clusters, name);
  if (placement === 'schema') return;
  if (cluster.kind === 'pglite' || database === undefined)
    throw new PlacementUnsupportedError({ cluster: name, placement });
  await inClusterDatabase({ cluster, database: undefined, logger }, async (db) => {
    const { rows } = await sql`select from pg_database where datname = ${database}`.execute(db);
    if (rows.length > 0) return;
    try {
      await sql`create database ${sql.id(database)}`.execute(db);
    } catch (error) {
      // The other process's commit can meet ours at the catalog's unique index too.
      const state = findSqlState(error);
      if (state !== DUPLICATE_DATABASE && state !== SQLSTATE.uniqueViolation) throw error;
    }
  });
}

/** Brings the place's Results DB to its newest version and stamps it for its organization. Safe to call twice and concurrently. */
export async function migratePlace(place: ResultsDatabasePlace, { clusters, logger }: Surroundings): Promise<void> {
  const cluster = getCluster(clusters, place.cluster);
  await inClusterDatabase({ cluster, database: place.database, logger }, (db) =>
    migrateResults(db, { schema: place.schema, orgId: place.orgId }),
  );
}
