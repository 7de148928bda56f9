import type { Logger } from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { Pool } from 'pg';
import type { Cluster } from './cluster.ts';

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
