import { type FleetMigrationOutcome, listBehind, migrateFleet, pauseFleetMigration } from '@mad/tenancy';
import type { Command } from 'commander';
import { count, formatDuration } from '../cache/amounts.ts';
import { parseCount } from '../cache/parse-cache-flags.ts';
import { showProgress } from '../cache/show-progress.ts';
import { toJson } from '../cache/to-json.ts';
import { requireClusters } from '../doctor/require-clusters.ts';
import { FleetBehindError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { inPlatform, type OperatorFlags, withOperatorOptions } from './operator-options.ts';

interface FleetFlags extends OperatorFlags {
  readonly behind?: true;
  readonly pause?: true;
  readonly concurrency?: string;
  readonly maxFailures?: string;
}

/** Adds `mad org migrate`. */
export function addFleetCommand(org: Command, terminal: Terminal): void {
  withOperatorOptions(org.command('migrate'))
    .description('bring the Results DBs of all organizations to the newest version: one, then 10 %, then all')
    .option('--behind', 'only list those that are behind')
    .option('--pause', 'let all processes that migrate stop after what they are at; the same command goes on')
    .option('--concurrency <n>', 'how many at a time (default: 8)')
    .option('--max-failures <n>', 'begin no further wave after more than these (default: 0)')
    .action((flags: FleetFlags) => (flags.behind ? list : flags.pause ? pause : migrate)(terminal, flags));
}

async function list(terminal: Terminal, flags: FleetFlags): Promise<void> {
  const page = await inPlatform(terminal, flags, ({ metadata }) => listBehind({ metadata }, { limit: 500 }));
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('none is behind\n');
  const rows = page.items.map(({ orgId, name, status, cluster, version, error }) => [
    ...[orgId, name, status, cluster, version ?? '-', error === null ? '-' : JSON.stringify(error)],
  ]);
  terminal.out(formatTable([['organization', 'name', 'status', 'cluster', 'version', 'error'], ...rows]));
  const more = page.nextCursor === undefined ? '' : ' and more';
  terminal.out(`${count(rows.length, 'organization')}${more} behind\n`);
}

async function pause(terminal: Terminal, flags: FleetFlags): Promise<void> {
  const fleetMigrationId = await inPlatform(terminal, flags, ({ metadata, actor }) =>
    pauseFleetMigration({ metadata }, { actor }),
  );
  terminal.out(flags.json ? toJson({ fleetMigrationId, status: 'paused' }) : `${fleetMigrationId} is paused\n`);
}

async function migrate(terminal: Terminal, flags: FleetFlags): Promise<void> {
  const given = {
    ...(flags.concurrency !== undefined && { concurrency: parseCount('--concurrency', flags.concurrency) }),
    ...(flags.maxFailures !== undefined && { maxFailures: parseFailures(flags.maxFailures) }),
  };
  const outcome = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    await requireClusters(metadata, { clusters, orgId: undefined });
    return showProgress(terminal, (show) =>
      migrateFleet(
        { metadata, clusters },
        {
          ...{ ...given, actor },
          onProgress: ({ wave, waves, done, failed, total, ms }) =>
            show(`wave ${wave} of ${waves}: ${done} of ${total}, ${failed} failed, ${formatDuration(ms)}`),
        },
      ),
    );
  });
  terminal.out(flags.json ? toJson(outcome) : describe(outcome));
  if (outcome.failed.length > 0 || outcome.status === 'stopped')
    throw new FleetBehindError({ failed: outcome.failed.length, behind: outcome.behind });
}

function parseFailures(text: string): number {
  return text === '0' ? 0 : parseCount('--max-failures', text);
}

function describe({ target, status, done, failed, behind }: FleetMigrationOutcome): string {
  const rows = failed.map(({ orgId, errorCode, errorMessage }) => [
    orgId,
    errorCode,
    errorMessage.replaceAll(/\s+/g, ' '),
  ]);
  const table = rows.length === 0 ? '' : formatTable([['organization', 'code', 'why'], ...rows]);
  return `${table}${status}: ${count(done, 'organization')} at ${target}, ${failed.length} failed, ${behind} behind\n`;
}
