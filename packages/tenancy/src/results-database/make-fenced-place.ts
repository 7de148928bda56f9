import { type Logger, migrateResults, migrationSql, resultsTrack } from '@mad/core';
import { sql } from 'kysely';
import { PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { openClusterSession } from './cluster-session.ts';
import { raiseFence } from './fence-writes.ts';
import { inClusterDatabase } from './in-cluster-database.ts';
import type { ResultsDatabasePlace } from './results-database-place.ts';
import { cloneResultsDatabase, renameDatabase } from './results-template.ts';

interface Surroundings {
  readonly clusters: Clusters;
  readonly logger: Logger;
}

/**
 * Makes a place that nobody has, with an empty Results DB of the newest version that is stamped and fenced for the transition from its first moment: a
 * handle kept from days when the organization had a place of this name cannot write there. Killed, it leaves nothing under the place's name.
 * @throws {PlacementUnsupportedError} for a database of its own on PGlite.
 * @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 */
export async function makeFencedPlace(
  place: ResultsDatabasePlace,
  { by, ...around }: Surroundings & { readonly by: string },
): Promise<void> {
  if (place.placement === 'schema') await makeSchema(place, { by, ...around });
  else await makeDatabase(place, { by, ...around });
}

async function makeSchema(
  { cluster: name, schema, orgId }: ResultsDatabasePlace,
  { clusters, logger, by }: Surroundings & { readonly by: string },
): Promise<void> {
  const cluster = getCluster(clusters, name);
  const statements = await migrationSql({ track: resultsTrack, schema }, Object.keys(resultsTrack.migrations).sort());
  await inClusterDatabase({ cluster, name, database: undefined, logger }, (db) =>
    db.transaction().execute(async (tx) => {
      await sql`create schema ${sql.id(schema)}`.execute(tx);
      for (const statement of statements) await sql.raw(statement).execute(tx);
      await sql`insert into ${sql.id(schema, 'results_database')} (org_id) values (${orgId})`.execute(tx);
      await raiseFence(tx, { schema, by });
    }),
  );
}

/** Under another name until it is fenced. */
async function makeDatabase(
  { cluster: name, placement, database, schema, orgId }: ResultsDatabasePlace,
  { clusters, logger, by }: Surroundings & { readonly by: string },
): Promise<void> {
  await using session = await openClusterSession({ clusters, cluster: name, logger });
  const { cluster, db } = session;
  if (cluster.kind === 'pglite' || database === undefined)
    throw new PlacementUnsupportedError({ cluster: name, placement });
  const draft = nameDraft(database);
  await sql`drop database if exists ${sql.id(draft)} with (force)`.execute(db);
  await cloneResultsDatabase(session, { name: draft, logger });
  await inClusterDatabase({ cluster, name, database: draft, logger }, async (made) => {
    await migrateResults(made, { orgId });
    await made.transaction().execute((tx) => raiseFence(tx, { schema, by }));
  });
  await renameDatabase(db, { from: draft, to: database });
}

const nameDraft = (database: string): string => database.replace('mad_results_', 'mad_moving_');

/** Drops what a killed maker left of the place's database. `check` is asked last of all; what it throws is thrown. */
export async function dropDraft(
  { cluster, database }: ResultsDatabasePlace,
  { check, ...around }: Surroundings & { readonly check: () => Promise<void> },
): Promise<void> {
  if (database === undefined) return;
  await using session = await openClusterSession({ ...around, cluster });
  await check();
  await sql`drop database if exists ${sql.id(nameDraft(database))} with (force)`.execute(session.db);
}
