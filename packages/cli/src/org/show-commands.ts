import {
  findOrgDatabase,
  findOrgSettings,
  inAllOrganizations,
  inOrganization,
  listOrganizations,
  type MetadataDatabase,
  type OrganizationRow,
  type OrgDatabaseRow,
} from '@mad/core';
import type { Command } from 'commander';
import { count } from '../cache/amounts.ts';
import { parseLimit, parseWord } from '../cache/parse-cache-flags.ts';
import { toJson } from '../cache/to-json.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { findOrg, inPlatform, type OperatorFlags, ORG_HELP, withMetadataOptions } from './operator-options.ts';

interface ListFlags extends OperatorFlags {
  readonly status?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

const STATUSES = ['provisioning', 'active', 'suspended', 'deleting', 'deleted', 'failed'] as const;

/** Adds `mad org list` and `show`. */
export function addShowCommands(org: Command, terminal: Terminal): void {
  withMetadataOptions(org.command('list').description('list organizations, the newest first'))
    .option('--status <word>', `only these: ${STATUSES.join(', ')}`)
    .option('--limit <n>', 'how many (default: 50, at most 500)')
    .option('--cursor <text>', 'go on behind an earlier list')
    .action((flags: ListFlags) => list(terminal, flags));
  withMetadataOptions(org.command('show').description('show an organization and where its Results DB is'))
    .argument('<org>', ORG_HELP)
    .action((text: string, flags: OperatorFlags) => show(terminal, text, flags));
}

/** An organization, and where its Results DB is. */
function toItem({ org_id, name, status, created_at }: OrganizationRow, database: OrgDatabaseRow | undefined) {
  const { placement = null, cluster = null, database_name = null, schema_name = null } = database ?? {};
  const { state = null, schema_version = null, error = null } = database ?? {};
  const { transition = null, other_placement = null, other_cluster = null } = database ?? {};
  return {
    ...{ org_id, name, status, created_at },
    results: database && {
      ...{ placement, cluster, database_name, schema_name, state, schema_version, error },
      ...{ transition, other_placement, other_cluster },
    },
  };
}

/** Of a Results DB, and what is done with it. */
function describeState({ state, transition, other_placement, other_cluster }: TransitionState): string {
  const other = `${other_placement} on ${other_cluster}`;
  if (transition === 'move') return `${state} to ${other}`;
  if (transition === 'move_back') return `${state} back, ${other} to drop`;
  if (transition === 'move_drop') return `${state}, ${other} to drop`;
  return transition === null ? `${state}` : `${state}, ${transition}`;
}

type TransitionState = Pick<OrgDatabaseRow, 'transition' | 'other_placement' | 'other_cluster'> & {
  readonly state: string | null;
};

async function list(terminal: Terminal, flags: ListFlags): Promise<void> {
  const request = {
    ...(flags.status !== undefined && { status: parseWord('--status', flags.status, STATUSES) }),
    ...(flags.limit !== undefined && { limit: parseLimit(flags.limit) }),
    ...(flags.cursor !== undefined && { cursor: flags.cursor }),
  };
  const page = await inPlatform(terminal, flags, ({ metadata }) =>
    inAllOrganizations(metadata, async (tx) => {
      const { items, nextCursor } = await listOrganizations(tx, request);
      const ids = items.map(({ org_id }) => org_id);
      const places =
        ids.length === 0 ? [] : await tx.selectFrom('org_databases').selectAll().where('org_id', 'in', ids).execute();
      const byId = new Map(places.map((place) => [place.org_id, place]));
      return { items: items.map((row) => toItem(row, byId.get(row.org_id))), ...(nextCursor && { nextCursor }) };
    }),
  );
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no organizations\n');
  const rows = page.items.map(({ org_id, name, status, created_at, results }) => [
    ...[org_id, name, status, results?.placement ?? '-', results?.cluster ?? '-'],
    ...[results ? describeState(results) : '-', results?.schema_version ?? '-', created_at.toISOString().slice(0, 10)],
  ]);
  const more = page.nextCursor === undefined ? '' : `; go on with --cursor ${page.nextCursor}`;
  const head = ['organization', 'name', 'status', 'placement', 'cluster', 'results', 'version', 'made'];
  terminal.out(formatTable([head, ...rows]));
  terminal.out(`${count(rows.length, 'organization')}${more}\n`);
}

async function show(terminal: Terminal, text: string, flags: OperatorFlags): Promise<void> {
  const found = await inPlatform(terminal, flags, ({ metadata }) => read(metadata, text));
  if (flags.json) return void terminal.out(toJson(found));
  const { results, quotas } = found;
  const limits = Object.entries(quotas).map(([name, limit]) => [`  ${name}`, String(limit)]);
  const place = results && [
    ['placement', `${results.placement} on ${results.cluster}`],
    ['database', results.database_name ?? 'the default one of the cluster'],
    ['schema', results.schema_name ?? '-'],
    ['state', describeState(results)],
    ['version', results.schema_version ?? '-'],
    ...(results.error === null ? [] : [['error', JSON.stringify(results.error)]]),
  ];
  const rows = [
    ['organization', found.org_id],
    ['name', found.name],
    ['status', found.status],
    ['made', found.created_at.toISOString()],
    ['members', String(found.members)],
    ...(place ?? [['results', 'none']]),
    ['storage', found.storage_prefix ?? '-'],
    ['quotas', limits.length === 0 ? 'none' : ''],
    ...limits,
  ];
  terminal.out(formatTable(rows));
}

async function read(metadata: MetadataDatabase, text: string) {
  const organization = await findOrg(metadata, text);
  const { org_id: orgId } = organization;
  return inOrganization(metadata, orgId, async (tx) => {
    const database = await findOrgDatabase(tx, { orgId });
    const settings = await findOrgSettings(tx);
    const { members } = await tx
      .selectFrom('memberships')
      .select((eb) => eb.fn.countAll<string>().as('members'))
      .executeTakeFirstOrThrow();
    const { quotas } = organization;
    const storage_prefix = settings?.storage_prefix ?? null;
    return { ...toItem(organization, database), quotas, members: Number(members), storage_prefix };
  });
}
