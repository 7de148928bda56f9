import {
  findOrganization,
  findOrganizationByName,
  findUserByEmail,
  inAllOrganizations,
  isUuid,
  type MetadataDatabase,
  NotFoundError,
  type OrganizationRow,
  openMetadataDatabase,
} from '@mad/core';
import type { Clusters } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseDatabaseUrl } from '../database/database-url.ts';
import { inDatabase } from '../database/in-database.ts';
import { clusterOption } from '../doctor/cluster-option.ts';
import { parseClusters } from '../doctor/parse-clusters.ts';
import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { USER_HELP } from '../user/find-user.ts';

/** What every command of the platform's operator is told. */
export interface OperatorFlags {
  readonly url?: string;
  readonly cluster?: readonly string[];
  readonly actor?: string;
  readonly json?: true;
}

/** What an operator's command works with. */
export interface OpenedPlatform {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** Whom the audit trail names; null: a program. */
  readonly actor: string | null;
}

/** How an organization is given. */
export const ORG_HELP = 'its uuid, or its name';

/** Adds the options of commands that only read the Metadata DB. */
export function withMetadataOptions(command: Command): Command {
  return command
    .option('--url <url>', 'the Metadata DB: postgresql://user:password@host:port/database (or MAD_DATABASE_URL)')
    .option('--json', 'print one JSON object');
}

/** Adds those of commands that change something. */
export function withActorOption(command: Command): Command {
  return withMetadataOptions(command).option(
    '--actor <user>',
    `the user whom the audit trail names: ${USER_HELP} (default: none)`,
  );
}

/** Adds those of commands that change something in Results DBs. */
export function withOperatorOptions(command: Command): Command {
  return withActorOption(command).addOption(clusterOption());
}

/** Opens what the flags and the environment name, and closes it after `use`. @throws {CommandUsageError} */
export async function inPlatform<Result>(
  { env }: Terminal,
  flags: OperatorFlags,
  use: (opened: OpenedPlatform) => Promise<Result>,
): Promise<Result> {
  const url = parseDatabaseUrl(flags.url ?? env.MAD_DATABASE_URL);
  const clusters = parseClusters(flags.cluster ?? env.MAD_CLUSTERS?.split(/\s+/).filter((text) => text !== '') ?? []);
  return inDatabase(url, async (db) => {
    const metadata = await openMetadataDatabase(db, { allowPrivileged: true });
    const actor = flags.actor === undefined ? null : await resolveUserId(metadata, '--actor', flags.actor);
    return await use({ metadata, clusters, actor });
  });
}

/** A user's id, of a uuid as it is: the audit trail outlives users. @throws {CommandUsageError} for an address that nobody has. */
export async function resolveUserId(metadata: MetadataDatabase, option: string, text: string): Promise<string> {
  if (isUuid(text)) return text.toLowerCase();
  const user = await inAllOrganizations(metadata, (tx) => findUserByEmail(tx, { email: text }));
  if (user) return user.user_id;
  const got = `${JSON.stringify(text)}, which no user has`;
  throw new CommandUsageError({ option, expected: 'the uuid or the e-mail address of a user', got });
}

/** The organization of this uuid or name. @throws {NotFoundError} */
export async function findOrg(metadata: MetadataDatabase, text: string): Promise<OrganizationRow> {
  const found = await inAllOrganizations(metadata, (tx) =>
    isUuid(text) ? findOrganization(tx, { orgId: text.toLowerCase() }) : findOrganizationByName(tx, { name: text }),
  );
  if (found) return found;
  const where = 'the Metadata DB';
  throw new NotFoundError({ entity: 'organization', id: text, where, hint: 'mad org list shows those that are there' });
}
