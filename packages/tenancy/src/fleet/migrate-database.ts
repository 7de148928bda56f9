import {
  applyMigration,
  type ClaimedOrganization,
  checkResultsStamp,
  ledgerName,
  type MigrationTrack,
  migrate,
  migrationLock,
  migrationState,
  openResultsDatabase,
  ResultsDatabaseMismatchError,
} from '@mad/core';
import { type Client, escapeIdentifier, escapeLiteral, type QueryResult } from 'pg';
import { type Clusters, getCluster, type PostgresCluster } from '../results-database/cluster.ts';
import { connectClient, over } from '../results-database/connect-client.ts';
import { placeResultsDatabase } from '../results-database/results-database-place.ts';

/** A process that stops inside a migration must not keep the tables locked. */
const IDLE_IN_TRANSACTION_MS = 60_000;
const CONNECTS_WITHIN_MS = 30_000;

export interface MigrateDatabase {
  readonly clusters: Clusters;
  readonly track: MigrationTrack;
  readonly lockTimeoutMs: number;
}

/**
 * Brings one organization's Results DB to the track's newest version, all pending migrations in one transaction, and returns the version that the
 * database itself then tells. Whoever comes second finds nothing pending.
 * @throws {ResultsDatabaseMismatchError} when the database is another organization's, or another than its own has no stamp; nothing is changed then.
 * @throws {MigrationFailedError} @throws {ResultsDatabaseUnreachableError} @throws {ClusterUnknownError}
 */
export async function migrateDatabase(
  claim: ClaimedOrganization,
  { clusters, track, lockTimeoutMs }: MigrateDatabase,
): Promise<string | null> {
  const cluster = getCluster(clusters, claim.cluster);
  const options = { track, schema: claim.schema_name, lockTimeoutMs };
  if (cluster.kind === 'postgres') return migrateOnServer(claim, cluster, options);
  await checkResultsStamp(openResultsDatabase(cluster.db, options), { orgId: claim.org_id });
  await migrate(cluster.db, options);
  return (await migrationState(cluster.db, options)).applied.at(-1) ?? null;
}

interface Options {
  readonly track: MigrationTrack;
  readonly schema: string;
  readonly lockTimeoutMs: number;
}

/**
 * On a fresh connection most of the time goes into what the server reads for each table that is named: one message takes the lock and
 * looks, and a database that is up to date is asked nothing more.
 */
async function migrateOnServer(
  claim: ClaimedOrganization,
  cluster: PostgresCluster,
  options: Options,
): Promise<string | null> {
  const client = await connectClient(cluster, {
    name: claim.cluster,
    database: claim.database_name ?? undefined,
    withinMs: CONNECTS_WITHIN_MS,
    // The statement that is under way tells.
    onLoss: () => {},
  });
  try {
    const applied = await lockAndLook(client, claim, options);
    const pending = Object.keys(options.track.migrations)
      .sort()
      .filter((name) => !applied.has(name));
    if (pending.length > 0) {
      const db = over(client);
      for (const name of pending) await applyMigration(db, { ...options, name });
      await client.query('commit');
    }
    return [...applied, ...pending].sort().at(-1) ?? null;
  } finally {
    // Whatever was not committed goes with the connection.
    await client.end().catch(() => {});
  }
}

/** Begins a transaction under the migrator's advisory lock, and returns the names of the migrations that were applied. */
async function lockAndLook(client: Client, claim: ClaimedOrganization, options: Options): Promise<Set<string>> {
  const { org_id, schema_name } = claim;
  const schema = escapeIdentifier(schema_name);
  // Without parameters pg takes several statements in one message, and answers with a result for each.
  const results: unknown = await client.query(`begin;
    select pg_advisory_xact_lock(hashtextextended(${escapeLiteral(migrationLock(options))}, 0)),
      set_config('lock_timeout', '${options.lockTimeoutMs}ms', true),
      set_config('idle_in_transaction_session_timeout', '${IDLE_IN_TRANSACTION_MS}ms', true);
    select org_id from ${schema}.results_database;
    select name from ${schema}.${escapeIdentifier(ledgerName(options.track))}`);
  const [, , stamps, names] = results as [
    unknown,
    unknown,
    QueryResult<{ org_id: string }>,
    QueryResult<{ name: string }>,
  ];
  const found = stamps.rows[0]?.org_id;
  if (found !== org_id && !(found === undefined && (await stampNew(client, claim))))
    throw new ResultsDatabaseMismatchError({ expected: org_id, found });
  return new Set(names.rows.map(({ name }) => name));
}

/** Stamps a copy of the template that nobody has opened yet, as `checkPlace` does. False: it has another name than the organization's. */
async function stampNew(client: Client, { org_id, cluster, schema_name }: ClaimedOrganization): Promise<boolean> {
  const { database = null } = placeResultsDatabase({ orgId: org_id, placement: 'database', cluster });
  const { rowCount } = await client.query(
    `insert into ${escapeIdentifier(schema_name)}.results_database (org_id) select $1::uuid where current_database() = $2`,
    [org_id, database],
  );
  return rowCount === 1;
}
