import {
  checkRequest,
  inAllOrganizations,
  type Logger,
  type MetadataDatabase,
  newId,
  type OrgId,
  openResultsDatabase,
  silentLogger,
  stampResults,
  type WarmDatabaseState,
} from '@mad/core';
import { type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import { PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from '../results-database/cluster.ts';
import { type ClusterSession, openClusterSession } from '../results-database/cluster-session.ts';
import { inClusterDatabase } from '../results-database/in-cluster-database.ts';
import { placeResultsDatabase } from '../results-database/results-database-place.ts';
import { cloneResultsDatabase, resultsDigest } from '../results-database/results-template.ts';

/** What a warm pool is made with. It opens connections of its own to the cluster and closes them. */
export interface WarmPoolContext {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

/** How many databases a cluster is to have ready. */
export interface FillWarmPool {
  /** One of the context's clusters, a PostgreSQL server. */
  readonly cluster: string;
  /** 1 to 1000; each takes about 8 MB. */
  readonly size: number;
}

/** Whose databases to drop. */
export interface DrainWarmPool {
  readonly cluster: string;
  /** True: also those that could still be handed out. @default false */
  readonly all?: boolean | undefined;
}

/**
 * Makes empty Results DBs ahead until `size` are ready, each with the id of an organization to come: a new one of placement `database` takes that id, and
 * answers at once. Each is written down before it is made: one whose maker was killed is dropped by the next call. Calls for one cluster wait for each other. To be called now and then,
 * and after each deployment: databases of another version are not handed out. Returns how many were made.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 * @throws {PlacementUnsupportedError} on PGlite.
 */
export async function fillWarmPool(
  context: WarmPoolContext,
  request: FillWarmPool,
): Promise<{ readonly made: number }> {
  const { cluster, size } = checkRequest(fillSchema, { subject, value: request });
  return inPool(context, cluster, async (pool) => {
    await dropDatabases(pool, sql<SqlBool>`false`);
    const made = Math.max(0, size - (await countReady(pool)));
    for (let nth = 0; nth < made; nth++) await makeDatabase(pool);
    return { made };
  });
}

/**
 * Drops the databases of the pool that are not handed out any more: of another version than this one, and what killed calls left. With `all`, every one;
 * those of organizations stay. Returns how many were dropped.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 * @throws {PlacementUnsupportedError} on PGlite.
 */
export async function drainWarmPool(
  context: WarmPoolContext,
  request: DrainWarmPool,
): Promise<{ readonly dropped: number }> {
  const { cluster, all = false } = checkRequest(drainSchema, { subject, value: request });
  return inPool(context, cluster, async (pool) => ({
    dropped: await dropDatabases(pool, all ? sql<SqlBool>`true` : sql<SqlBool>`schema_digest <> ${pool.digest}`),
  }));
}

const fillSchema = z.strictObject({ cluster: z.string(), size: z.number().int().min(1).max(1_000) });
const drainSchema = z.strictObject({ cluster: z.string(), all: z.boolean().optional() });
const subject = 'warm pool';

interface Pool {
  readonly metadata: MetadataDatabase;
  readonly logger: Logger;
  readonly name: string;
  readonly session: ClusterSession;
  readonly digest: string;
}

/** One call at a time on each cluster: whatever is half made or half dropped then was left by one that is over. */
async function inPool<T>(
  { metadata, clusters, logger = silentLogger }: WarmPoolContext,
  name: string,
  run: (pool: Pool) => Promise<T>,
): Promise<T> {
  if (getCluster(clusters, name).kind === 'pglite')
    throw new PlacementUnsupportedError({ cluster: name, placement: 'database' });
  await using session = await openClusterSession({ clusters, cluster: name, logger });
  // It says nothing while the Metadata DB is written to.
  await sql`set idle_session_timeout = 0`.execute(session.db);
  await sql`select pg_advisory_lock(hashtextextended(${`mad.warm.${name}`}, 0))`.execute(session.db);
  return await run({ metadata, logger, name, session, digest: await resultsDigest() });
}

const databaseOf = (orgId: OrgId, { name }: Pool): string =>
  placeResultsDatabase({ orgId, placement: 'database', cluster: name }).database ?? '';

/** Those of this version that are there; what a hand has dropped is forgotten. */
async function countReady(pool: Pool): Promise<number> {
  const { metadata, name, session, digest } = pool;
  const { rows } = await sql<{ datname: string }>`select datname from pg_database`.execute(session.db);
  const there = new Set(rows.map(({ datname }) => datname));
  return inAllOrganizations(metadata, async (tx) => {
    const ready = await tx
      .selectFrom('warm_databases')
      .select('org_id')
      .where('cluster', '=', name)
      .where('state', '=', 'ready')
      .where('schema_digest', '=', digest)
      .execute();
    const gone = ready.filter(({ org_id }) => !there.has(databaseOf(org_id, pool))).map(({ org_id }) => org_id);
    if (gone.length > 0) await tx.deleteFrom('warm_databases').where('org_id', 'in', gone).execute();
    return ready.length - gone.length;
  });
}

async function makeDatabase(pool: Pool): Promise<void> {
  const { metadata, logger, name, session, digest } = pool;
  const orgId = newId();
  const database = databaseOf(orgId, pool);
  const note = { org_id: orgId, cluster: name, schema_digest: digest, state: 'making' } as const;
  await inAllOrganizations(metadata, (tx) => tx.insertInto('warm_databases').values(note).execute());
  await cloneResultsDatabase(session, { name: database, logger });
  // The first connection to a database writes down what all later ones read: it takes three times as long.
  await inClusterDatabase({ cluster: session.cluster, name, database, logger }, (db) =>
    stampResults(openResultsDatabase(db, { schema: 'public' }), { orgId }),
  );
  await inAllOrganizations(metadata, (tx) =>
    tx
      .updateTable('warm_databases')
      .set({ state: 'ready' })
      .where('org_id', '=', orgId)
      // Where the server cut this session, the next call of the pool drops what was half made.
      .where('state', '=', 'making')
      .execute(),
  );
}

/** Drops what is ready and meant, and all that was left half made or half dropped. */
async function dropDatabases(pool: Pool, meant: ReturnType<typeof sql<SqlBool>>): Promise<number> {
  const { metadata, name, session } = pool;
  const leftOver: readonly WarmDatabaseState[] = ['making', 'dropping'];
  const going = await inAllOrganizations(metadata, (tx) =>
    tx
      .updateTable('warm_databases')
      .set({ state: 'dropping' })
      .where('cluster', '=', name)
      .where((eb) => eb.or([eb('state', 'in', leftOver), eb.and([eb('state', '=', 'ready'), meant])]))
      .returning('org_id')
      .execute(),
  );
  for (const { org_id } of going) {
    await sql`drop database if exists ${sql.id(databaseOf(org_id, pool))} with (force)`.execute(session.db);
    await inAllOrganizations(metadata, (tx) => tx.deleteFrom('warm_databases').where('org_id', '=', org_id).execute());
  }
  return going.length;
}
