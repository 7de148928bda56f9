import {
  findOrganization,
  findOrgDatabase,
  findSqlState,
  inOrganization,
  isMadError,
  type Logger,
  type MetadataDatabase,
  NotFoundError,
  OrganizationInactiveError,
  type OrgId,
  openResultsDatabase,
  Recent,
  type ResultsDatabase,
  type ResultsDatabases,
  SQLSTATE,
  silentLogger,
} from '@mad/core';
import { Kysely, PostgresDialect } from 'kysely';
import { ResultsDatabaseUnreachableError } from '../errors.ts';
import { checkPlace } from './check-place.ts';
import { type Clusters, getCluster } from './cluster.ts';
import { ConnectionBudget, type ConnectionTarget } from './connection-budget.ts';
import { explainedPool } from './explained-pool.ts';
import { type ResultsDatabasePlace, toPlace } from './results-database-place.ts';

/** How many connections the router may hold, and for how long. */
export interface ResultsDatabasesOptions {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** Connections to all Results DBs together; a cluster may set a limit of its own. The Metadata DB's are the host's. @default 20 */
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

/** Organizations whose way is remembered, some 10 kB each; that of another is found again. */
const MOST_ROUTES = 10_000;

/** What a fenced or dropped place answers: `read_only_sql_transaction`, and that a database, schema or table is not there. */
const LEFT: readonly string[] = [SQLSTATE.readOnlyTransaction, '3D000', '3F000', SQLSTATE.undefinedTable];

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
  const maxConnectionsOf = (name: string) => {
    const cluster = getCluster(clusters, name);
    return cluster.kind === 'postgres' ? cluster.maxConnections : undefined;
  };
  const budget = new ConnectionBudget({ maxConnections, maxConnectionsOf, idleTimeoutMs, waitTimeoutMs, logger });
  const routes = new Recent<OrgId, Route>(MOST_ROUTES);
  const opened = new Recent<string, ResultsDatabase>(MOST_ROUTES);
  /** One for each physical database: organizations that share it share its connections, and wait for them in lines of their own. */
  const targets = new Map<string, ConnectionTarget>();

  function provideDatabase(place: ResultsDatabasePlace): Kysely<unknown> {
    const { cluster: name, database } = place;
    const cluster = getCluster(clusters, name);
    if (cluster.kind === 'pglite') return cluster.db;
    const key = JSON.stringify([name, database]);
    const target = targets.get(key) ?? { cluster: name, database, config: () => cluster.connect(database) };
    targets.set(key, target);
    const pool = explainedPool(budget.pool(target), (error) => explainLoss(place, error));
    return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
  }

  /** Where a place does not answer as it should, the organization may have left it since its handle was given out. */
  async function explainLoss(place: ResultsDatabasePlace, error: unknown): Promise<unknown> {
    const { orgId } = place;
    const cause = error instanceof ResultsDatabaseUnreachableError ? error.cause : error;
    if (!LEFT.includes(findSqlState(cause) ?? '')) return error;
    routes.delete(orgId);
    try {
      const now = await getActivePlace(metadata, orgId);
      const isHere = JSON.stringify(now) === JSON.stringify(place);
      return isHere ? error : new OrganizationInactiveError({ orgId, status: 'moved', cause: error });
    } catch (reason) {
      return isMadError(reason) ? reason : error;
    }
  }

  async function open(orgId: OrgId): Promise<ResultsDatabase> {
    const place = await getActivePlace(metadata, orgId);
    const key = JSON.stringify(place);
    const known = opened.get(key);
    if (known) return known;
    const results = openResultsDatabase(provideDatabase(place), { schema: place.schema });
    await checkPlace(results, place);
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
      where: 'this platform',
      hint: 'provision the organization first',
    });
  }
  const { state } = database;
  if (organization.status !== 'active') throw new OrganizationInactiveError({ orgId, status: organization.status });
  // While it migrates it serves on: readers tolerate the version before.
  if (state !== 'ready' && state !== 'migrating') throw new OrganizationInactiveError({ orgId, status: state });
  return toPlace(database);
}
