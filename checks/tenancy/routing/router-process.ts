import { setTimeout } from 'node:timers/promises';
import { connectPostgres, newId, openMetadataDatabase, type ResultsDatabase } from '@mad/core';
import { createResultsDatabases } from '@mad/tenancy';
import { sql } from 'kysely';
import PQueue from 'p-queue';
import { clustersOf, type RoutedOrganization } from './routed-organization.ts';

/** What one router is told, as JSON in its first argument. */
export interface RouterProcess {
  readonly serverUrl: string;
  readonly organizations: readonly RoutedOrganization[];
  readonly queries: number;
  readonly maxConnections: number;
  readonly idleTimeoutMs: number;
  readonly metadataConnections: number;
}

/** What it says when it is done, as a line of JSON. */
export interface RouterReport {
  /** Answers of the organization that was asked. */
  readonly right: number;
  readonly refused: number;
  readonly reasons: Readonly<Record<string, number>>;
  readonly waitsMs: readonly number[];
  readonly bytesPerOrganization: number;
}

const AT_ONCE = 200;
const collect = globalThis.gc ?? (() => {});

const given = JSON.parse(process.argv[2] ?? '') as RouterProcess;
const db = connectPostgres({ connectionString: given.serverUrl, max: given.metadataConnections });
const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
const { maxConnections, idleTimeoutMs, organizations } = given;
const router = createResultsDatabases({
  ...{ metadata, clusters: clustersOf(given.serverUrl), maxConnections, idleTimeoutMs },
  refreshMs: 60_000,
});
const waitsMs: number[] = [];
const reasons: Record<string, number> = {};
let right = 0;
let refused = 0;

collect();
const before = process.memoryUsage().heapUsed;
await new PQueue({ concurrency: 20 }).addAll(
  organizations.map(
    ({ orgId }) =>
      () =>
        router.get(orgId),
  ),
);
collect();
const bytesPerOrganization = (process.memoryUsage().heapUsed - before) / organizations.length;

/** Whose database answers; as a read, in a transaction that writes, and as a few statements on one connection. */
const KINDS = [readStamp, writeAndRead, readTwice];

await new PQueue({ concurrency: AT_ONCE }).addAll(
  Array.from({ length: given.queries }, (_, n) => async () => {
    const { orgId } = organizations[Math.floor(Math.random() * organizations.length)] ?? { orgId: '' };
    try {
      const answered = await KINDS[n % KINDS.length]?.(await router.get(orgId));
      if (answered === orgId) right++;
    } catch (error) {
      refused++;
      const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
      reasons[reason] = (reasons[reason] ?? 0) + 1;
    }
  }),
);
process.stdout.write(
  `${JSON.stringify({ right, refused, reasons, waitsMs, bytesPerOrganization } satisfies RouterReport)}\n`,
);
// Idle connections close by themselves while it waits to be ended.
process.stdin.on('end', () => process.exit()).resume();
await setTimeout(600_000);

/** A connection of the organization's database, and how long it was waited for. */
async function onConnection<T>(results: ResultsDatabase, run: (connection: ResultsDatabase) => Promise<T>): Promise<T> {
  const asked = performance.now();
  return results.connection().execute((connection) => {
    waitsMs.push(performance.now() - asked);
    return run(connection);
  });
}

function readStamp(results: ResultsDatabase): Promise<string | undefined> {
  return onConnection(results, stampOf);
}

function writeAndRead(results: ResultsDatabase): Promise<string | undefined> {
  return onConnection(results, (connection) =>
    connection.transaction().execute(async (tx) => {
      await tx
        .insertInto('jobs')
        .values({ job_id: newId(), pipeline_version: 'routed@1.0.0', status: 'PENDING' })
        .execute();
      return stampOf(tx);
    }),
  );
}

function readTwice(results: ResultsDatabase): Promise<string | undefined> {
  return onConnection(results, async (connection) => {
    await sql`select pg_sleep(0.002)`.execute(connection);
    return stampOf(connection);
  });
}

async function stampOf(connection: ResultsDatabase): Promise<string | undefined> {
  return (await connection.selectFrom('results_database').select('org_id').executeTakeFirst())?.org_id;
}
