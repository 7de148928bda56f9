import { type Logger, migrateResults } from '@mad/core';
import { sql } from 'kysely';
import { PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { type ClusterSession, openClusterSession } from './cluster-session.ts';
import { createResultsSchema } from './create-results-schema.ts';
import { inClusterDatabase } from './in-cluster-database.ts';
import type { ResultsDatabasePlace } from './results-database-place.ts';
import { cloneResultsDatabase } from './results-template.ts';

interface Surroundings {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

/**
 * Makes sure that the place's database exists; a schema comes with its migrations. Does nothing when it is there, also when another process makes it now.
 * @throws {PlacementUnsupportedError} for a database of its own on PGlite.
 * @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 */
export async function ensureDatabase(place: ResultsDatabasePlace, { clusters, logger }: Surroundings): Promise<void> {
  const { placement, database, cluster: name } = place;
  const cluster = getCluster(clusters, name);
  if (placement === 'schema') return;
  if (cluster.kind === 'pglite' || database === undefined)
    throw new PlacementUnsupportedError({ cluster: name, placement });
  await using session = await openClusterSession({ clusters, cluster: name, logger });
  const { rows } = await sql`select from pg_database where datname = ${database} and datconnlimit <> -2`.execute(
    session.db,
  );
  if (rows.length === 0) await cloneResultsDatabase(session, { name: database, logger });
}

/** Brings the place's Results DB to its newest version and stamps it for its organization. Safe to call twice and concurrently. */
export async function migratePlace(place: ResultsDatabasePlace, { clusters, logger }: Surroundings): Promise<void> {
  const { orgId, schema, database } = place;
  const cluster = getCluster(clusters, place.cluster);
  await inClusterDatabase({ cluster, name: place.cluster, database, logger }, async (db) => {
    if (cluster.kind === 'postgres' && database === undefined) {
      const { rows } = await sql`select from pg_namespace where nspname = ${schema}`.execute(db);
      if (rows.length === 0 && (await createResultsSchema(db, place))) return;
    }
    await migrateResults(db, { schema, orgId });
  });
}

/** Drops the place's database or schema with all that is in it; on the session of its cluster. Does nothing when it is not there. */
export async function dropPlace({ db }: ClusterSession, { database, schema }: ResultsDatabasePlace): Promise<void> {
  if (database === undefined) await sql`drop schema if exists ${sql.id(schema)} cascade`.execute(db);
  else await sql`drop database if exists ${sql.id(database)} with (force)`.execute(db);
}
