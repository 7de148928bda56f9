import { createLocalArtifactStore, type Finding, openMetadataDatabase, reconcile } from '@mad/core';
import { createResultsDatabases } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseDatabaseUrl } from '../database/database-url.ts';
import { inDatabase } from '../database/in-database.ts';
import { FindingsLeftError } from '../errors.ts';
import { parseOrgId } from '../migrate/parse-flags.ts';
import type { Terminal } from '../terminal.ts';
import { type DoctorReport, formatDoctorReport, toDoctorJson } from './doctor-report.ts';
import { lookForOrphans } from './look-for-orphans.ts';
import { parseClusters } from './parse-clusters.ts';
import { requireArtifactFolder } from './require-artifact-folder.ts';
import { requireClusters } from './require-clusters.ts';
import { requireOrganization } from './require-organization.ts';

interface Flags {
  readonly url?: string;
  readonly cluster?: readonly string[];
  readonly artifacts?: string;
  readonly org?: string;
  readonly fix?: true;
  readonly json?: true;
}

/** Connections to Results DBs; one organization is looked at at a time. */
const MAX_CONNECTIONS = 2;

/** Adds `mad doctor`. */
export function addDoctorCommand(program: Command, terminal: Terminal): void {
  program
    .command('doctor')
    .description(
      "find where the databases disagree about jobs, and mend it with --fix; find databases that are nobody's, or gone; exit code 1 while findings are left",
    )
    .option('--url <url>', 'the Metadata DB: postgresql://user:password@host:port/database (or MAD_DATABASE_URL)')
    .option(
      '--cluster <name=url...>',
      'where the Results DBs of a cluster are, under its name in org_databases (or MAD_CLUSTERS, parted by spaces)',
    )
    .option('--artifacts <folder>', 'look for files whose bytes are gone in this local store')
    .option('--org <uuid>', 'this organization alone')
    .option('--fix', 'mend what can be mended')
    .option('--json', 'print one JSON object')
    .action((flags: Flags) => runDoctor(terminal, flags));
}

async function runDoctor(terminal: Terminal, flags: Flags): Promise<void> {
  const report = await examine(terminal, flags);
  terminal.out(flags.json ? toDoctorJson(report) : formatDoctorReport(report));
  const left = report.findings.filter(({ outcome }) => outcome !== 'fixed');
  const fixable = left.filter(({ outcome }) => outcome === 'fixable').length;
  const total = left.length + report.orphans.length;
  if (total > 0) throw new FindingsLeftError({ left: total, fixable });
}

async function examine({ env }: Terminal, flags: Flags): Promise<DoctorReport> {
  const url = parseDatabaseUrl(flags.url ?? env.MAD_DATABASE_URL);
  const clusters = parseClusters(flags.cluster ?? env.MAD_CLUSTERS?.split(/\s+/).filter((text) => text !== '') ?? []);
  const orgId = flags.org === undefined ? undefined : parseOrgId(flags.org);
  if (flags.artifacts !== undefined) await requireArtifactFolder(flags.artifacts);
  const artifacts = flags.artifacts === undefined ? undefined : createLocalArtifactStore({ folder: flags.artifacts });
  const dryRun = flags.fix !== true;
  return inDatabase(url, async (db) => {
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    if (orgId !== undefined) await requireOrganization(metadata, { orgId });
    await requireClusters(metadata, { clusters, orgId });
    await using results = createResultsDatabases({ metadata, clusters, maxConnections: MAX_CONNECTIONS });
    const run = reconcile({ metadata, results, ...(artifacts && { artifacts }) }, { orgId, dryRun });
    const findings: Finding[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) findings.push(next.value);
    return { ...next.value, dryRun, findings, orphans: await lookForOrphans({ metadata, clusters, orgId }) };
  });
}
