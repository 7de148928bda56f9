import { setTimeout } from 'node:timers/promises';
import {
  connectPostgres,
  inAllOrganizations,
  type MetadataDatabase,
  migrateMetadata,
  openMetadataDatabase,
} from '@mad/core';
import { provisionOrganization } from '@mad/tenancy';
import { startPostgresServer } from '@mad/testkit';
import { sql } from 'kysely';
import PQueue from 'p-queue';
import type { Check, CheckSize } from '../check.ts';
import { clustersOf, type RoutedOrganization } from './routing/routed-organization.ts';
import { runRouters } from './routing/run-routers.ts';

interface RoutingSize {
  readonly organizations: number;
  readonly queries: number;
  readonly processes: number;
  /** Of each process. All of them together want more than the server has. */
  readonly maxConnections: number;
  readonly serverConnections: number;
}

const SIZES: Readonly<Record<CheckSize, RoutingSize>> = {
  full: { organizations: 250, queries: 5_000, processes: 2, maxConnections: 60, serverConnections: 100 },
  small: { organizations: 8, queries: 200, processes: 2, maxConnections: 12, serverConnections: 25 },
};
/** Connections of this process and of each router to the Metadata DB. */
const METADATA_CONNECTIONS = 2;
const IDLE_MS = 1_500;
/** Every fifth organization is a schema of one database that they share. */
const SCHEMA_EVERY = 5;

/**
 * Many organizations on one server whose connections are fewer, asked by processes whose budgets together are larger than what the server has: nobody is
 * refused, each answer is its organization's own, and afterwards no connection is left.
 */
export const routingCheck: Check = {
  name: 'routing',
  async run(size, print) {
    const { organizations: count, queries, processes, maxConnections, serverConnections } = SIZES[size];
    await using server = await startPostgresServer({ settings: [`max_connections=${serverConnections}`] });
    await using metadataDb = opened(server.url());
    await migrateMetadata(metadataDb.db);
    const metadata = await openMetadataDatabase(metadataDb.db, { allowPrivileged: true });
    const organizations = await provide(metadata, { count, serverUrl: server.url(), print });
    const found = await runRouters({
      ...{ serverUrl: server.url(), organizations, processes, maxConnections, idleTimeoutMs: IDLE_MS },
      queries: queries / processes,
      metadataConnections: METADATA_CONNECTIONS,
      untilIdle: () => connectionsLeft(metadata),
      wait: () => setTimeout(IDLE_MS * 3),
    });
    const right = found.reports.reduce((sum, report) => sum + report.right, 0);
    const refused = found.reports.reduce((sum, report) => sum + report.refused, 0);
    const refusals = Object.assign({}, ...found.reports.map(({ reasons }) => reasons)) as Record<string, number>;
    for (const [reason, times] of Object.entries(refusals)) print(`refused: ${reason} ${times} times`);
    const waits = found.reports.flatMap((report) => report.waitsMs).sort((a, b) => a - b);
    const p95 = waits[Math.floor(waits.length * 0.95)] ?? Number.NaN;
    const most = Math.max(...found.reports.map((report) => report.bytesPerOrganization));
    const passed = right === queries && refused === 0 && found.connectionsLeft === 0;
    const line =
      `routing ${right}/${queries} queries right on ${count} organizations, ${refused} refused, by ${processes} processes that want ${processes * maxConnections} ` +
      `connections of a server with ${serverConnections}; wait for a connection p50 ${ms(waits[waits.length >> 1])}, p95 ${ms(p95)}; ` +
      `${found.connectionsLeft} connections left ${(IDLE_MS * 3) / 1_000} s later; ${Math.round(most / 1_024)} KiB of heap an organization`;
    return {
      passed,
      line,
      figures: {
        right,
        queries,
        refused,
        refusals,
        p95,
        bytesPerOrganization: most,
        connectionsLeft: found.connectionsLeft,
      },
    };
  },
};

const ms = (value = Number.NaN): string => `${value.toFixed(1)} ms`;

function opened(url: string) {
  const db = connectPostgres({ connectionString: url, max: METADATA_CONNECTIONS });
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

async function provide(
  metadata: MetadataDatabase,
  {
    count,
    serverUrl,
    print,
  }: { readonly count: number; readonly serverUrl: string; readonly print: (line: string) => void },
): Promise<readonly RoutedOrganization[]> {
  const queue = new PQueue({ concurrency: 4 });
  const clusters = clustersOf(serverUrl);
  const made = await Promise.all(
    Array.from({ length: count }, (_, n) =>
      queue.add(async () => {
        const placement = n % SCHEMA_EVERY === 0 ? ('schema' as const) : ('database' as const);
        const { orgId } = await provisionOrganization(
          { metadata, clusters },
          { name: `organization ${n}`, placement, cluster: 'main' },
        );
        if ((n + 1) % 50 === 0) print(`${n + 1} organizations`);
        return { orgId, placement };
      }),
    ),
  );
  return made;
}

/** To Results DBs and to what holds schemas, but for those of this check itself. */
async function connectionsLeft(metadata: MetadataDatabase): Promise<number> {
  const { rows } = await inAllOrganizations(metadata, (tx) =>
    sql<{
      number: number;
    }>`select count(*)::int as number from pg_stat_activity where application_name = 'mad routing'`.execute(tx),
  );
  return rows[0]?.number ?? Number.NaN;
}
