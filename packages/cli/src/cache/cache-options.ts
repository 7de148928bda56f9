import {
  type ArtifactStore,
  type Caller,
  createLocalArtifactStore,
  type MetadataDatabase,
  openMetadataDatabase,
  type ResultsDatabases,
} from '@mad/core';
import { createResultsDatabases } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseDatabaseUrl } from '../database/database-url.ts';
import { inDatabase } from '../database/in-database.ts';
import { clusterOption } from '../doctor/cluster-option.ts';
import { parseClusters } from '../doctor/parse-clusters.ts';
import { requireArtifactFolder } from '../doctor/require-artifact-folder.ts';
import { requireClusters } from '../doctor/require-clusters.ts';
import { resolveOrganization } from '../doctor/resolve-organization.ts';
import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

/** What every command of the cache is told. */
export interface CacheFlags {
  readonly url?: string;
  readonly cluster?: readonly string[];
  readonly artifacts?: string;
  readonly org?: string;
  readonly json?: true;
}

/** An organization's cache. */
export interface OpenedCache {
  readonly platform: {
    readonly metadata: MetadataDatabase;
    readonly results: ResultsDatabases;
    readonly artifacts: ArtifactStore;
  };
  /** Whoever may open the databases may do everything in them. */
  readonly caller: Caller;
}

/** How a key is given. */
export const KEY_HELP = 'as mad cache list shows it, or its first 8 digits or more';

/** Connections to the Results DB. */
const MAX_CONNECTIONS = 4;

const PERMISSIONS = ['cache.view', 'cache.manage', 'job.view', 'job.create', 'job.results.view'];

/** Adds the options that all of them take. */
export function withCacheOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the Metadata DB: postgresql://user:password@host:port/database (or MAD_DATABASE_URL)')
    .addOption(clusterOption())
    .option('--artifacts <folder>', 'the local store with the files of the results')
    .option('--org <org>', 'the organization: its uuid, or its name')
    .option('--json', 'print one JSON object');
}

/** For commands that must know what the platform gives its cache. */
export function withCacheSecret(command: Command): Command {
  const text =
    'Where the platform gives its cache a secret or a salt, MAD_CACHE_SECRET and MAD_CACHE_SALT must hold them.';
  return command.addHelpText('after', `\n${text}`);
}

/** Opens what the flags and the environment name, and closes it after `use`. @throws {CommandUsageError} */
export async function inCache<Result>(
  { env }: Terminal,
  flags: CacheFlags,
  use: (opened: OpenedCache) => Promise<Result>,
): Promise<Result> {
  const url = parseDatabaseUrl(flags.url ?? env.MAD_DATABASE_URL);
  const clusters = parseClusters(flags.cluster ?? env.MAD_CLUSTERS?.split(/\s+/).filter((text) => text !== '') ?? []);
  const org = requireOrg(flags);
  if (flags.artifacts !== undefined) await requireArtifactFolder(flags.artifacts);
  const artifacts = flags.artifacts === undefined ? noArtifacts : createLocalArtifactStore({ folder: flags.artifacts });
  return inDatabase(url, async (db) => {
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const orgId = await resolveOrganization(metadata, org);
    await requireClusters(metadata, { clusters, orgId });
    await using results = createResultsDatabases({ metadata, clusters, maxConnections: MAX_CONNECTIONS });
    const caller: Caller = { orgId, userId: null, permissions: new Set(PERMISSIONS) };
    return await use({ platform: { metadata, results, artifacts }, caller });
  });
}

function requireOrg({ org }: CacheFlags): string {
  if (org !== undefined) return org;
  throw new CommandUsageError({ option: '--org', expected: 'the uuid or the name of the organization', got: 'none' });
}

/** For commands that read files: without the store each file would be missing. @throws {CommandUsageError} */
export function requireArtifacts({ artifacts }: CacheFlags): void {
  if (artifacts === undefined) throw missingArtifacts();
}

function missingArtifacts(): CommandUsageError {
  return new CommandUsageError({ option: '--artifacts', expected: 'the folder of a local store', got: 'none' });
}

const refuse = (): never => {
  throw missingArtifacts();
};

/** Stands where no command looks for files; one that did would be told what it lacks. */
const noArtifacts: ArtifactStore = {
  put: refuse,
  get: refuse,
  head: refuse,
  delete: refuse,
  list: refuse,
  clear: refuse,
};
