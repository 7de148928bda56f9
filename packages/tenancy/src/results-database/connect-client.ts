import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Client, type ClientConfig } from 'pg';
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
  readonly onLoss: (client: Client) => void;
}

/** What the host says, in the time that connecting may take. @throws {ResultsDatabaseUnreachableError} */
export async function readConfig(
  cluster: PostgresCluster,
  { name, database, withinMs }: Omit<ClientToConnect, 'onLoss'>,
): Promise<ClientConfig> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject({ code: 'ETIMEDOUT' }), withinMs);
  try {
    const config = await Promise.race([cluster.connect(database), late.promise]);
    return { connectionTimeoutMillis: withinMs, ...config };
  } catch (cause) {
    throw unreachable({ name, database }, cause);
  } finally {
    clearTimeout(timer);
  }
}

/** One connection to a database of the cluster, outside any budget. @throws {ResultsDatabaseUnreachableError} */
export async function connectClient(cluster: PostgresCluster, toConnect: ClientToConnect): Promise<Client> {
  return connectBy(await readConfig(cluster, toConnect), toConnect);
}

/** As `connectClient`, with what `readConfig` has returned. */
export async function connectBy(
  config: ClientConfig,
  { name, database, onLoss }: Omit<ClientToConnect, 'withinMs'>,
): Promise<Client> {
  try {
    const client = new Client(config);
    // Without a listener it would end the process.
    client.on('error', () => onLoss(client));
    await client.connect();
    return client;
  } catch (cause) {
    throw unreachable({ name, database }, cause);
  }
}

const unreachable = ({ name, database }: Pick<ClientToConnect, 'name' | 'database'>, cause: unknown) =>
  new ResultsDatabaseUnreachableError({ cluster: name, database, reason: reasonOf(cause), cause });

/** The one connection as Kysely takes it: one statement or transaction at a time, and whoever connected it ends it. */
export function over(client: Client): Kysely<unknown> {
  const lent = { query: client.query.bind(client), release() {} } as PostgresPoolClient;
  const pool = { connect: async () => lent, end: async () => {}, options: {} };
  return new Kysely({ dialect: new PostgresDialect({ pool }) });
}
