import {
  checkResultsStamp,
  findOrganization,
  findOrgDatabase,
  inOrganization,
  type Logger,
  type MetadataDatabase,
  NotFoundError,
  type OrgId,
  openResultsDatabase,
  type ResultsDatabase,
  type ResultsDatabases,
  silentLogger,
} from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { OrganizationInactiveError } from '../errors.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { ConnectionBudget } from './connection-budget.ts';
import type { ResultsDatabasePlace } from './results-database-place.ts';

/** How many connections the router may hold, and for how long. */
export interface ResultsDatabasesOptions {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** Connections to all Results DBs together; the Metadata DB's are the host's. @default 20 */
  readonly maxConnections?: number | undefined;
  /** An idle connection closes after this time. @default 10_000 */
  readonly idleTimeoutMs?: number | undefined;
  /** How long a query waits for a connection. @default 30_000 */
  readonly waitTimeoutMs?: number | undefined;
  /** For how long an organization counts as active after it was seen so. @default 5_000 */
  readonly refreshMs?: number | undefined;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

interface Route {
  readonly results: Promise<ResultsDatabase>;
  readonly until: number;
}

/**
 * Routes each active organization to its Results DB inside one budget of connections. Handles stay valid until the router is disposed; a
 * connection is lent to each query and transaction, and databases wait for theirs in turn. Never ask one organization's database from inside a
 * transaction on another's: with the whole budget held by such, all would wait for each other. Disposing waits for what is lent.
 */
export function createResultsDatabases(options: ResultsDatabasesOptions): ResultsDatabases & AsyncDisposable {
  const {
    metadata,
    clusters,
    maxConnections = 20,
    idleTimeoutMs = 10_000,
    waitTimeoutMs = 30_000,
    refreshMs = 5_000,
    logger = silentLogger,
  } = options;
  const budget = new ConnectionBudget({ maxConnections, idleTimeoutMs, waitTimeoutMs, logger });
  const routes = new Map<OrgId, Route>();
  const opened = new Map<string, ResultsDatabase>();
  const databases = new Map<string, Kysely<unknown>>();

  /** One handle for each physical database: organizations that share it share its connections. */
  function provideDatabase({ cluster: name, database }: ResultsDatabasePlace): Kysely<unknown> {
    const cluster = getCluster(clusters, name);
    if (cluster.kind === 'pglite') return cluster.db;
    const key = JSON.stringify([name, database]);
    const existing = databases.get(key);
    if (existing) return existing;
    const pool = budget.pool({ cluster: name, database, config: () => cluster.connect(database) });
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
    databases.set(key, db);
    return db;
  }

  async function open(orgId: OrgId): Promise<ResultsDatabase> {
    const place = await getActivePlace(metadata, orgId);
    const key = JSON.stringify(place);
    const known = opened.get(key);
    if (known) return known;
    const results = openResultsDatabase(provideDatabase(place), { schema: place.schema });
    await checkResultsStamp(results, { orgId });
    opened.set(key, results);
    return results;
  }

  return {
    async get(orgId) {
      const route = routes.get(orgId);
      if (route && performance.now() < route.until) return route.results;
      const results = open(orgId);
      const fresh = { results, until: performance.now() + refreshMs };
      routes.set(orgId, fresh);
      // The next caller looks again; who asked at the same moment gets the same answer.
      results.catch(() => routes.get(orgId) === fresh && routes.delete(orgId));
      return results;
    },
    [Symbol.asyncDispose]: () => budget[Symbol.asyncDispose](),
  };
}

async function getActivePlace(metadata: MetadataDatabase, orgId: OrgId): Promise<ResultsDatabasePlace> {
  const { organization, database } = await inOrganization(metadata, orgId, async (tx) => ({
    organization: await findOrganization(tx, { orgId }),
    database: await findOrgDatabase(tx, { orgId }),
  }));
  if (organization === undefined || database === undefined) {
    throw new NotFoundError({
      entity: 'results database of organization',
      id: orgId,
      hint: 'provision the organization first',
    });
  }
  const { placement, cluster, database_name, schema_name, state } = database;
  if (organization.status !== 'active') throw new OrganizationInactiveError({ orgId, status: organization.status });
  // While it migrates it serves on: readers tolerate the version before.
  if (state !== 'ready' && state !== 'migrating') throw new OrganizationInactiveError({ orgId, status: state });
  return { orgId, placement, cluster, database: database_name ?? undefined, schema: schema_name };
}
