import type { Logger } from '@mad/core';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, Pool } from 'pg';
import { ResultsDatabaseUnreachableError } from '../errors.ts';
import { type Cluster, type Clusters, getCluster } from './cluster.ts';

export interface ClusterDatabase {
  readonly cluster: Cluster;
  /** Undefined: the cluster's default database. */
  readonly database: string | undefined;
  readonly logger: Logger;
}

/** Runs on one connection of its own to a database of the cluster, outside any budget, and closes it. On PGlite, on the one session there is. */
export async function inClusterDatabase<T>(
  { cluster, database, logger }: ClusterDatabase,
  run: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  if (cluster.kind === 'pglite') return run(cluster.db);
  const pool = new Pool({ connectionTimeoutMillis: 30_000, ...(await cluster.connect(database)), max: 1 });
  // A connection that the server cuts, idle or lent; the next statement tells.
  const onLoss = () => logger.warn({ database }, 'a connection to a cluster was lost');
  pool.on('error', onLoss);
  pool.on('connect', (client) => void client.on('error', onLoss));
  const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  try {
    return await run(db);
  } finally {
    await db.destroy();
    if (!pool.ended) await pool.end();
  }
}

/**
 * One connection to a cluster's database, the same from its first statement to its end: a lock of the session is held until then. One statement or
 * transaction at a time. Disposing does not wait for the server to notice.
 */
export interface ClusterSession extends AsyncDisposable {
  readonly cluster: Cluster;
  readonly db: Kysely<unknown>;
}

export interface OpenClusterSession {
  readonly clusters: Clusters;
  readonly cluster: string;
  /** @default the cluster's default database */
  readonly database?: string | undefined;
  readonly logger: Logger;
}

/** @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError} */
export async function openClusterSession({
  clusters,
  cluster: name,
  database,
  logger,
}: OpenClusterSession): Promise<ClusterSession> {
  const cluster = getCluster(clusters, name);
  if (cluster.kind === 'pglite') return { cluster, db: cluster.db, async [Symbol.asyncDispose]() {} };
  try {
    const client = new Client({ connectionTimeoutMillis: 10_000, ...(await cluster.connect(database)) });
    // A connection that the server cuts; the next statement tells.
    const onLoss = () => logger.warn({ cluster: name, database }, 'a connection to a cluster was lost');
    client.on('error', onLoss);
    await client.connect();
    const lent = { query: client.query.bind(client), release() {} } as PostgresPoolClient;
    const pool = { connect: async () => lent, end: () => client.end(), options: {} };
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    return {
      cluster,
      db,
      async [Symbol.asyncDispose]() {
        client.end().catch(onLoss);
      },
    };
  } catch (cause) {
    throw new ResultsDatabaseUnreachableError({ cluster: name, database, reason: reasonOf(cause), cause });
  }
}

/** A driver's code, never its message: that may hold what a host's function was called with. */
function reasonOf(cause: unknown): string {
  const code = typeof cause === 'object' && cause !== null && 'code' in cause ? cause.code : undefined;
  return typeof code === 'string' ? code : 'not connected';
}
