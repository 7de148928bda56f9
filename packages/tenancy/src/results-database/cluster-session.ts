import { isDeepStrictEqual } from 'node:util';
import type { Logger } from '@mad/core';
import type { Kysely } from 'kysely';
import type { Client, ClientConfig } from 'pg';
import { type Cluster, type Clusters, type EmbeddedCluster, getCluster } from './cluster.ts';
import { type ClientToConnect, connectBy, connectClient, over, readConfig } from './connect-client.ts';

const CONNECTS_WITHIN_MS = 10_000;
/** Opening a connection, and the first statements on it, take longer than all that an organization is recorded with. */
const KEPT_MS = 1_000;
/** A server that does not answer a kept session by then is asked by a new one. */
const ANSWERS_WITHIN_MS = 1_000;

/**
 * One connection to a cluster's database, the same from its first statement to its end: a lock of the session is held until then. One statement or
 * transaction at a time.
 */
export interface ClusterSession extends AsyncDisposable {
  /** Of the cluster. */
  readonly name: string;
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
  if (cluster.kind === 'pglite') return embedded(options.cluster, cluster);
  const client = await connectClient(cluster, describe(options));
  return { name: options.cluster, cluster, db: over(client), [Symbol.asyncDispose]: async () => end(client) };
}

/**
 * As `openClusterSession`, to the default database: whoever comes within a second of its disposal, and would connect in the same way, gets it again,
 * without locks and settings. Alone it keeps no process alive.
 */
export async function openKeptSession(options: Omit<OpenClusterSession, 'database'>): Promise<ClusterSession> {
  const cluster = getCluster(options.clusters, options.cluster);
  if (cluster.kind === 'pglite') return embedded(options.cluster, cluster);
  const toConnect = describe(options);
  const config = await readConfig(cluster, toConnect);
  const client = (await takeKept(config)) ?? (await connectBy(config, toConnect));
  return {
    name: options.cluster,
    cluster,
    db: over(client),
    async [Symbol.asyncDispose]() {
      // Refused where a transaction was left open.
      if (await answers(client, 'discard all')) keep(client, config);
      else end(client);
    },
  };
}

const embedded = (name: string, cluster: EmbeddedCluster): ClusterSession => ({
  name,
  cluster,
  db: cluster.db,
  async [Symbol.asyncDispose]() {},
});

const describe = ({ cluster, database, logger }: OpenClusterSession): ClientToConnect => ({
  name: cluster,
  database,
  withinMs: CONNECTS_WITHIN_MS,
  onLoss: (client) => {
    forget(client);
    logger.warn({ cluster, database }, 'a connection to a cluster was lost');
  },
});

interface Kept {
  readonly client: Client;
  /** How it was connected: a secret that was rotated meanwhile is taken up. */
  readonly config: ClientConfig;
  readonly timer: NodeJS.Timeout;
}

/** The latest last. */
const kept: Kept[] = [];

async function takeKept(config: ClientConfig): Promise<Client | undefined> {
  for (;;) {
    const latest = kept.findLast((one) => isDeepStrictEqual(one.config, config))?.client;
    if (latest === undefined) return undefined;
    forget(latest);
    // The server may have cut it at this moment.
    const isThere = await answers(latest, '');
    if (isThere) {
      holdProcess(latest, true);
      return latest;
    }
    end(latest);
  }
}

function keep(client: Client, config: ClientConfig): void {
  holdProcess(client, false);
  const timer = setTimeout(() => {
    forget(client);
    end(client);
  }, KEPT_MS).unref();
  kept.push({ client, config, timer });
}

function forget(client: Client): void {
  const at = kept.findIndex((one) => one.client === client);
  if (at >= 0) clearTimeout(kept.splice(at, 1)[0]?.timer);
}

function end(client: Client): void {
  holdProcess(client, false);
  client.end().catch(() => {});
}

async function answers(client: Client, statement: string): Promise<boolean> {
  const late = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => late.resolve(false), ANSWERS_WITHIN_MS);
  const answered = client.query(statement).then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([answered, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Whether the open socket alone keeps the process from its end. */
function holdProcess(client: Client, hold: boolean): void {
  // Missing in the types of `pg`.
  const socket = client as Client & { ref(): void; unref(): void };
  if (hold) socket.ref();
  else socket.unref();
}
