import type { Logger } from '@mad/core';
import type { Kysely } from 'kysely';
import type { Cluster } from './cluster.ts';
import { connectClient, over } from './connect-client.ts';

export interface ClusterDatabase {
  readonly cluster: Cluster;
  /** Of the cluster, as a failure names it. */
  readonly name: string;
  /** Undefined: the cluster's default database. */
  readonly database: string | undefined;
  readonly logger: Logger;
}

/**
 * Runs on one connection of its own to a database of the cluster, outside any budget, and has closed it when it returns. One statement or transaction
 * at a time. On PGlite, on the one session there is.
 * @throws {ResultsDatabaseUnreachableError}
 */
export async function inClusterDatabase<T>(
  { cluster, name, database, logger }: ClusterDatabase,
  run: (db: Kysely<unknown>) => Promise<T>,
): Promise<T> {
  if (cluster.kind === 'pglite') return run(cluster.db);
  // The next statement tells.
  const onLoss = () => logger.warn({ cluster: name, database }, 'a connection to a cluster was lost');
  const client = await connectClient(cluster, { name, database, withinMs: 30_000, onLoss });
  try {
    return await run(over(client));
  } finally {
    await client.end();
  }
}
