import { Client } from 'pg';
import { ResultsDatabaseUnreachableError } from '../errors.ts';
import type { PostgresCluster } from './cluster.ts';
import { reasonOf } from './reason-of.ts';

export interface ClientToConnect {
  /** Of the cluster. */
  readonly name: string;
  /** Undefined: the cluster's default database. */
  readonly database: string | undefined;
  readonly withinMs: number;
  /** Told of a connection that the server cuts; the next statement on it fails. */
  readonly onLoss: () => void;
}

/** One connection to a database of the cluster, outside any budget. @throws {ResultsDatabaseUnreachableError} */
export async function connectClient(
  cluster: PostgresCluster,
  { name, database, withinMs, onLoss }: ClientToConnect,
): Promise<Client> {
  try {
    const client = new Client({ connectionTimeoutMillis: withinMs, ...(await cluster.connect(database)) });
    // Without a listener it would end the process.
    client.on('error', onLoss);
    await client.connect();
    return client;
  } catch (cause) {
    throw new ResultsDatabaseUnreachableError({ cluster: name, database, reason: reasonOf(cause), cause });
  }
}
