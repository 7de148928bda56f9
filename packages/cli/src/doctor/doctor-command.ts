import { createLocalArtifactStore, type Finding, openMetadataDatabase, reconcile } from '@mad/core';
import { createResultsDatabases } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseDatabaseUrl } from '../database/database-url.ts';
import { inDatabase } from '../database/in-database.ts';
import { FindingsLeftError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { clusterOption } from './cluster-option.ts';
import { type DoctorReport, formatDoctorReport, toDoctorJson } from './doctor-report.ts';
import { lookForLeft } from './look-for-left.ts';
import { lookForOrphans } from './look-for-orphans.ts';
import { parseClusters } from './parse-clusters.ts';
import { requireArtifactFolder } from './require-artifact-folder.ts';
import { requireClusters } from './require-clusters.ts';
import { resolveOrganization } from './resolve-organization.ts';

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
      "find where the databases disagree about jobs, and mend it with --fix; find databases that are nobody's, or gone, and what was left half-way; exit code 1 while findings are left",
    )
    .option('--url <url>', 'the Metadata DB: postgresql://user:password@host:port/database (or MAD_DATABASE_URL)')
    .addOption(clusterOption())
    .option('--artifacts <folder>', 'look for files whose bytes are gone in this local store')
    .option('--org <org>', 'this organization alone: its uuid, or its name')
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
  if (flags.artifacts !== undefined) await requireArtifactFolder(flags.artifacts);
  const artifacts = flags.artifacts === undefined ? undefined : createLocalArtifactStore({ folder: flags.artifacts });
  const dryRun = flags.fix !== true;
  return inDatabase(url, async (db) => {
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const orgId = flags.org === undefined ? undefined : await resolveOrganization(metadata, flags.org);
    await requireClusters(metadata, { clusters, orgId });
    await using results = createResultsDatabases({ metadata, clusters, maxConnections: MAX_CONNECTIONS });
    const run = reconcile({ metadata, results, ...(artifacts && { artifacts }) }, { orgId, dryRun });
    const findings: Finding[] = [];
    let next = await run.next();
    for (; !next.done; next = await run.next()) findings.push(next.value);
    const left = await lookForLeft(metadata, { orgId });
    // That it answers nothing is told there, with what to do about it.
    const others = findings.filter(({ kind, orgId: id }) => kind !== 'database_unreachable' || !left.silent.has(id));
    const orphans = await lookForOrphans({ metadata, clusters, orgId });
    return { ...next.value, dryRun, findings: [...others, ...left.findings], orphans };
  });
}
