import type { Logger } from '@mad/core';
import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import type { Client } from 'pg';
import { type Cluster, type Clusters, getCluster, type PostgresCluster } from './cluster.ts';
import { connectClient } from './connect-client.ts';

/** Opening a connection, and the first statements on it, take longer than all that an organization is recorded with. */
const KEPT_MS = 1_000;

/**
 * One connection to a cluster's database, the same from its first statement to its end: a lock of the session is held until then. One statement or
 * transaction at a time.
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

/** Disposing does not wait for the server to notice. @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError} */
export async function openClusterSession(options: OpenClusterSession): Promise<ClusterSession> {
  const cluster = getCluster(options.clusters, options.cluster);
  if (cluster.kind === 'pglite') return embedded(cluster);
  const client = await connect(cluster, options, () => {});
  return toSession(cluster, client, async () => void client.end().catch(() => {}));
}

/**
 * As `openClusterSession`, to the default database: whoever comes within a second of its disposal gets it again, without locks and settings. Alone it
 * keeps no process alive.
 */
export async function openKeptSession(options: Omit<OpenClusterSession, 'database'>): Promise<ClusterSession> {
  const cluster = getCluster(options.clusters, options.cluster);
  if (cluster.kind === 'pglite') return embedded(cluster);
  const client: Client = (await takeKept(cluster)) ?? (await connect(cluster, options, () => forget(cluster, client)));
  return toSession(cluster, client, async () => {
    // Refused where a transaction was left open.
    if (await answers(client, 'discard all')) keep(cluster, client);
    else client.end().catch(() => {});
  });
}

const embedded = (cluster: Extract<Cluster, { kind: 'pglite' }>): ClusterSession => ({
  cluster,
  db: cluster.db,
  async [Symbol.asyncDispose]() {},
});

function connect(
  cluster: PostgresCluster,
  { cluster: name, database, logger }: OpenClusterSession,
  onLoss: () => void,
): Promise<Client> {
  const warn = () => {
    onLoss();
    logger.warn({ cluster: name, database }, 'a connection to a cluster was lost');
  };
  return connectClient(cluster, { name, database, withinMs: 10_000, onLoss: warn });
}

function toSession(cluster: Cluster, client: Client, dispose: () => Promise<void>): ClusterSession {
  const lent = { query: client.query.bind(client), release() {} } as PostgresPoolClient;
  const pool = { connect: async () => lent, end: () => client.end(), options: {} };
  return { cluster, db: new Kysely({ dialect: new PostgresDialect({ pool }) }), [Symbol.asyncDispose]: dispose };
}

interface Kept {
  readonly client: Client;
  readonly timer: NodeJS.Timeout;
}

/** The latest last. */
const kept = new WeakMap<PostgresCluster, Kept[]>();

async function takeKept(cluster: PostgresCluster): Promise<Client | undefined> {
  for (let latest = kept.get(cluster)?.pop(); latest; latest = kept.get(cluster)?.pop()) {
    clearTimeout(latest.timer);
    holdProcess(latest.client, true);
    // The server may have cut it at this moment.
    if (await answers(latest.client, '')) return latest.client;
  }
  return undefined;
}

const answers = (client: Client, statement: string): Promise<boolean> =>
  client.query(statement).then(
    () => true,
    () => false,
  );

function keep(cluster: PostgresCluster, client: Client): void {
  const close = () => {
    forget(cluster, client);
    client.end().catch(() => {});
  };
  holdProcess(client, false);
  const one = { client, timer: setTimeout(close, KEPT_MS).unref() };
  const others = kept.get(cluster);
  if (others) others.push(one);
  else kept.set(cluster, [one]);
}

function forget(cluster: PostgresCluster, client: Client): void {
  const all = kept.get(cluster) ?? [];
  const at = all.findIndex((one) => one.client === client);
  if (at >= 0) clearTimeout(all.splice(at, 1)[0]?.timer);
}

/** Whether the open socket alone keeps the process from its end. */
function holdProcess(client: Client, hold: boolean): void {
  // Missing in the types of `pg`.
  const socket = client as Client & { ref(): void; unref(): void };
  if (hold) socket.ref();
  else socket.unref();
}
