import {
  inAllOrganizations,
  type Logger,
  type MetadataDatabase,
  newId,
  silentLogger,
  ValidationFailedError,
  type WarmDatabaseState,
} from '@mad/core';
import { type SqlBool, sql } from 'kysely';
import { z } from 'zod';
import { PlacementUnsupportedError } from '../errors.ts';
import { type Clusters, getCluster } from '../results-database/cluster.ts';
import { type ClusterSession, inClusterDatabase, openClusterSession } from '../results-database/in-cluster-database.ts';
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
 * Makes empty Results DBs ahead until `size` are ready, so that an organization of placement `database` needs only a new name for one. Each is written
 * down before it is made: one whose maker was killed is dropped by the next call. Calls for one cluster wait for each other. To be called now and then,
 * and after each deployment: databases of another version are not handed out. Returns how many were made.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 * @throws {PlacementUnsupportedError} on PGlite.
 */
export async function fillWarmPool(
  context: WarmPoolContext,
  request: FillWarmPool,
): Promise<{ readonly made: number }> {
  const { cluster, size } = parse(fillSchema, request);
  return inPool(context, cluster, async (pool) => {
    await dropDatabases(pool, sql<SqlBool>`false`);
    const { metadata, digest } = pool;
    const ready = await inAllOrganizations(metadata, (tx) =>
      tx
        .selectFrom('warm_databases')
        .select('database_name')
        .where('cluster', '=', cluster)
        .where('state', '=', 'ready')
        .where('schema_digest', '=', digest)
        .execute(),
    );
    const made = Math.max(0, size - ready.length);
    for (let nth = 0; nth < made; nth++) await makeDatabase(pool);
    return { made };
  });
}

/**
 * Drops the databases of the pool that are not handed out any more: of another version than this one, and what killed calls left. With `all`, every one;
 * those that organizations have taken stay. Returns how many were dropped.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 * @throws {PlacementUnsupportedError} on PGlite.
 */
export async function drainWarmPool(
  context: WarmPoolContext,
  request: DrainWarmPool,
): Promise<{ readonly dropped: number }> {
  const { cluster, all = false } = parse(drainSchema, request);
  return inPool(context, cluster, async (pool) => ({
    dropped: await dropDatabases(pool, all ? sql<SqlBool>`true` : sql<SqlBool>`schema_digest <> ${pool.digest}`),
  }));
}

const fillSchema = z.strictObject({ cluster: z.string(), size: z.number().int().min(1).max(1_000) });
const drainSchema = z.strictObject({ cluster: z.string(), all: z.boolean().optional() });

function parse<Parsed>(schema: z.ZodType<Parsed>, request: unknown): Parsed {
  const { success, data, error } = schema.safeParse(request);
  if (success) return data;
  const issues = error.issues.map(({ path, message }) => ({
    pointer: path.map((token) => `/${String(token)}`).join(''),
    message,
  }));
  throw new ValidationFailedError({ subject: 'warm pool', issues });
}

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
  await sql`select pg_advisory_lock(hashtextextended(${`mad.warm.${name}`}, 0))`.execute(session.db);
  return await run({ metadata, logger, name, session, digest: await resultsDigest() });
}

async function makeDatabase({ metadata, logger, name, session, digest }: Pool): Promise<void> {
  const database = `mad_warm_${newId().replaceAll('-', '')}`;
  const note = { database_name: database, cluster: name, schema_digest: digest, state: 'making' } as const;
  await inAllOrganizations(metadata, (tx) => tx.insertInto('warm_databases').values(note).execute());
  await cloneResultsDatabase(session, { name: database, logger });
  // The first connection to a database writes down what all later ones read: it takes three times as long.
  await inClusterDatabase({ cluster: session.cluster, database, logger }, (db) => sql`select`.execute(db));
  await inAllOrganizations(metadata, (tx) =>
    tx.updateTable('warm_databases').set({ state: 'ready' }).where('database_name', '=', database).execute(),
  );
}

/** Drops what is ready and meant, and all that was left half made, half dropped, or taken by an organization that is gone. */
async function dropDatabases(
  { metadata, name, session }: Pool,
  meant: ReturnType<typeof sql<SqlBool>>,
): Promise<number> {
  const leftOver: readonly WarmDatabaseState[] = ['making', 'dropping'];
  const going = await inAllOrganizations(metadata, (tx) =>
    tx
      .updateTable('warm_databases')
      .set({ state: 'dropping' })
      .where('cluster', '=', name)
      .where('org_id', 'is', null)
      .where((eb) =>
        eb.or([eb('state', 'in', leftOver), eb('state', '=', 'taken'), eb.and([eb('state', '=', 'ready'), meant])]),
      )
      .returning('database_name')
      .execute(),
  );
  for (const { database_name } of going) {
    await sql`drop database if exists ${sql.id(database_name)} with (force)`.execute(session.db);
    await inAllOrganizations(metadata, (tx) =>
      tx.deleteFrom('warm_databases').where('database_name', '=', database_name).execute(),
    );
  }
  return going.length;
}
