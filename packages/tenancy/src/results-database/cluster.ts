import type { Kysely } from 'kysely';
import type { ClientConfig } from 'pg';
import { ClusterUnknownError } from '../errors.ts';

/** A PostgreSQL server that holds Results DBs. */
export interface PostgresCluster {
  readonly kind: 'postgres';
  /**
   * How to connect to one of its databases, secrets resolved by the host; without a name, to the database that holds organizations placed as
   * schemas and from which others are created. Called for every new connection, so a rotated secret is taken up.
   */
  connect(database?: string): ClientConfig | Promise<ClientConfig>;
  /** Connections of a router to this cluster at most. @default the router's `maxConnections` */
  readonly maxConnections?: number | undefined;
}

/** PostgreSQL inside this process: one session, organizations as schemas. The host opens and closes it. */
export interface EmbeddedCluster {
  readonly kind: 'pglite';
  readonly db: Kysely<unknown>;
}

export type Cluster = PostgresCluster | EmbeddedCluster;

/** The clusters of a host under the names that `org_databases.cluster` keeps. Rename none that is in use. */
export type Clusters = Readonly<Record<string, Cluster>>;

/** @throws {ClusterUnknownError} */
export function getCluster(clusters: Clusters, name: string): Cluster {
  const cluster = Object.hasOwn(clusters, name) ? clusters[name] : undefined;
  if (cluster === undefined) throw new ClusterUnknownError({ cluster: name, known: Object.keys(clusters) });
  return cluster;
}
