import {
  type MigrationTrack,
  metadataTrack,
  migrateMetadata,
  migrateResults,
  migrationState,
  resultsTrack,
} from '@mad/core';
import { type Command, Option } from 'commander';
import type { Kysely } from 'kysely';
import { parseDatabaseUrl } from '../database/database-url.ts';
import { inDatabase } from '../database/in-database.ts';
import type { Terminal } from '../terminal.ts';
import { formatReports, type MigrationReport } from './migration-report.ts';
import { createMigrationScript, formatScript } from './migration-script.ts';
import { parseOrgId, parseSchema } from './parse-flags.ts';

interface Flags {
  readonly url?: string;
  readonly schema?: string;
  readonly org?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

interface Migration {
  readonly track: MigrationTrack;
  readonly schema: string;
  readonly apply: (db: Kysely<unknown>) => Promise<readonly string[]>;
}

const PUBLIC = 'public';

/** Adds `mad migrate metadata`, `mad migrate results` and `mad migrate status`. */
export function addMigrateCommand(program: Command, terminal: Terminal): void {
  const migrate = program
    .command('migrate')
    .description('bring a database to its newest version, or see where it stands');

  addCommand(migrate, 'metadata', 'the Metadata DB that all organizations share')
    .addOption(dryRun())
    .action((flags: Flags) =>
      runMigration(terminal, flags, {
        track: metadataTrack,
        schema: PUBLIC,
        apply: (db) => migrateMetadata(db, { schema: PUBLIC }),
      }),
    );

  addCommand(migrate, 'results', "one organization's Results DB")
    .option('--schema <name>', 'where its tables live, made if missing', PUBLIC)
    .option('--org <uuid>', 'stamp it for this organization, and refuse one that is stamped for another')
    .addOption(dryRun())
    .action((flags: Flags) => {
      const schema = parseSchema(flags.schema ?? PUBLIC);
      const orgId = flags.org === undefined ? undefined : parseOrgId(flags.org);
      return runMigration(terminal, flags, {
        track: resultsTrack,
        schema,
        apply: (db) => migrateResults(db, { schema, orgId }),
      });
    });

  addCommand(migrate, 'status', 'what is applied and what is pending, on both tracks')
    .option('--schema <name>', 'where the tables of a Results DB live', PUBLIC)
    .action((flags: Flags) => showStatus(terminal, flags));
}

const addCommand = (parent: Command, name: string, description: string): Command =>
  parent
    .command(name)
    .description(description)
    .option('--url <url>', 'postgresql://user:password@host:port/database (or MAD_DATABASE_URL)')
    .option('--json', 'print one JSON object');

const dryRun = (): Option => new Option('--dry-run', 'print the SQL of what is pending, change nothing');

async function runMigration(terminal: Terminal, flags: Flags, { track, schema, apply }: Migration): Promise<void> {
  const url = parseDatabaseUrl(flags.url ?? terminal.env.MAD_DATABASE_URL);
  if (flags.dryRun) {
    const script = await inDatabase(url, (db) => createMigrationScript(db, { track, schema }));
    const json = { track: track.name, schema, pending: script.pending, sql: script.statements };
    terminal.out(flags.json ? toJson(json) : formatScript(script));
    return;
  }
  const report = await inDatabase(url, async (db) => {
    const appliedNow = await apply(db);
    return readReport(db, { track, schema, appliedNow });
  });
  terminal.out(flags.json ? toJson(report) : formatReports([report]));
}

async function showStatus(terminal: Terminal, flags: Flags): Promise<void> {
  const url = parseDatabaseUrl(flags.url ?? terminal.env.MAD_DATABASE_URL);
  const schema = parseSchema(flags.schema ?? PUBLIC);
  const tracks = await inDatabase(url, async (db) => [
    await readReport(db, { track: metadataTrack, schema: PUBLIC }),
    await readReport(db, { track: resultsTrack, schema }),
  ]);
  terminal.out(flags.json ? toJson({ tracks }) : formatReports(tracks));
}

async function readReport(
  db: Kysely<unknown>,
  { track, schema, appliedNow = [] }: { track: MigrationTrack; schema: string; appliedNow?: readonly string[] },
): Promise<MigrationReport> {
  const { applied, pending } = await migrationState(db, { track, schema });
  return { track: track.name, schema, applied, pending, applied_now: appliedNow };
}

const toJson = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`;
