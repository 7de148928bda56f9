import {
  inAllOrganizations,
  inOrganization,
  listIdentities,
  listMembers,
  listUsers,
  type MetadataDatabase,
  type MetadataTransaction,
  UNUSABLE_PASSWORD,
} from '@mad/core';
import type { Command } from 'commander';
import { count } from '../cache/amounts.ts';
import { parseLimit } from '../cache/parse-cache-flags.ts';
import { toJson } from '../cache/to-json.ts';
import { formatTable } from '../format-table.ts';
import { inPlatform, type OperatorFlags, withMetadataOptions } from '../org/operator-options.ts';
import type { Terminal } from '../terminal.ts';
import { requireUser, USER_HELP } from './find-user.ts';
import { type OrgFlags, requireOrgId, withOrgOption } from './in-organization.ts';

interface ListFlags extends OperatorFlags, OrgFlags {
  readonly limit?: string;
  readonly cursor?: string;
}

/** Adds `mad user list` and `show`. */
export function addShowCommands(user: Command, terminal: Terminal): void {
  withOrgOption(withMetadataOptions(user.command('list')), 'only its members, with their roles: its uuid, or its name')
    .description('list users, the newest first')
    .option('--limit <n>', 'how many (default: 50, at most 500)')
    .option('--cursor <text>', 'go on behind an earlier list')
    .action((flags: ListFlags) => (flags.org === undefined ? list : listOf)(terminal, flags));
  withMetadataOptions(user.command('show').description('show a user, how they sign in and where they are a member'))
    .argument('<user>', USER_HELP)
    .action((text: string, flags: OperatorFlags) => show(terminal, text, flags));
}

const pageOf = ({ limit, cursor }: ListFlags) => ({
  ...(limit !== undefined && { limit: parseLimit(limit) }),
  ...(cursor !== undefined && { cursor }),
});

const toState = (isIn: boolean): string => (isIn ? 'enabled' : 'disabled');

async function list(terminal: Terminal, flags: ListFlags): Promise<void> {
  const page = await inPlatform(terminal, flags, ({ metadata }) =>
    inAllOrganizations(metadata, async (tx) => {
      const { items, ...rest } = await listUsers(tx, pageOf(flags));
      return { items: items.map(({ hashed_password: _, ...user }) => user), ...rest };
    }),
  );
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no users\n');
  const rows = page.items.map(({ user_id, email, enabled, created_at }) => [
    ...[user_id, email, toState(enabled), created_at.toISOString().slice(0, 10)],
  ]);
  terminal.out(formatTable([['user', 'e-mail', 'state', 'made'], ...rows]));
  terminal.out(`${count(rows.length, 'user')}${toMore(page)}\n`);
}

async function listOf(terminal: Terminal, flags: ListFlags): Promise<void> {
  const page = await inPlatform(terminal, flags, async ({ metadata }) =>
    inOrganization(metadata, await requireOrgId(metadata, flags), async (tx) => {
      const { items, ...rest } = await listMembers(tx, pageOf(flags));
      const rolesOf = await listRoles(tx, { userIds: items.map(({ user_id }) => user_id) });
      return { items: items.map((member) => ({ ...member, roles: rolesOf(member.user_id) })), ...rest };
    }),
  );
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no members\n');
  const rows = page.items.map(({ user_id, email, enabled, disabled_at, roles, created_at }) => [
    ...[user_id, email, enabled ? toState(disabled_at === null) : 'account disabled', roles.join(', ') || '-'],
    created_at.toISOString().slice(0, 10),
  ]);
  terminal.out(formatTable([['user', 'e-mail', 'state', 'roles', 'member since'], ...rows]));
  terminal.out(`${count(rows.length, 'member')}${toMore(page)}\n`);
}

const toMore = ({ nextCursor }: { readonly nextCursor?: string }): string =>
  nextCursor === undefined ? '' : `; go on with --cursor ${nextCursor}`;

/** The names of the roles that each of them holds, in the organizations that the transaction sees. */
async function listRoles(
  tx: MetadataTransaction,
  { userIds }: { readonly userIds: readonly string[] },
): Promise<(userId: string, orgId?: string) => readonly string[]> {
  if (userIds.length === 0) return () => [];
  const rows = await tx
    .selectFrom('membership_roles')
    .innerJoin('roles', 'roles.role_id', 'membership_roles.role_id')
    .select(['membership_roles.user_id', 'membership_roles.org_id', 'roles.name'])
    .where('membership_roles.user_id', 'in', [...userIds])
    .orderBy('roles.name')
    .execute();
  return (userId, orgId) =>
    rows.flatMap((row) => (row.user_id === userId && (orgId ?? row.org_id) === row.org_id ? row.name : []));
}

async function show(terminal: Terminal, text: string, flags: OperatorFlags): Promise<void> {
  const user = await inPlatform(terminal, flags, ({ metadata }) => read(metadata, text));
  if (flags.json) return void terminal.out(toJson(user));
  const ways = [...(user.hasPassword ? ['a password'] : []), ...user.identities.map(({ provider }) => provider)];
  const organizations = user.organizations.map(({ org_id, name, disabled_at, roles }) => [
    ...[`  ${name}`, org_id, toState(disabled_at === null), roles.join(', ') || '-'],
  ]);
  const rows = [
    ['user', user.user_id],
    ['e-mail', user.email],
    ['state', toState(user.enabled)],
    ['made', user.created_at.toISOString()],
    ['signs in by', ways.join(', ') || 'nothing yet'],
    ['member of', organizations.length === 0 ? 'nothing' : ''],
  ];
  terminal.out(formatTable(rows));
  if (organizations.length > 0) terminal.out(formatTable(organizations));
}

async function read(metadata: MetadataDatabase, text: string) {
  const { hashed_password, ...user } = await requireUser(metadata, text);
  const { user_id: userId } = user;
  return inAllOrganizations(metadata, async (tx) => {
    const providers = await tx.selectFrom('identity_providers').select(['provider_id', 'name']).execute();
    const nameOf = new Map(providers.map(({ provider_id, name }) => [provider_id, name]));
    const { items: identities } = await listIdentities(tx, { userId, limit: 500 });
    const rolesOf = await listRoles(tx, { userIds: [userId] });
    const memberships = await tx
      .selectFrom('memberships')
      .innerJoin('organizations', 'organizations.org_id', 'memberships.org_id')
      .select(['organizations.org_id', 'organizations.name', 'organizations.status', 'memberships.disabled_at'])
      .where('memberships.user_id', '=', userId)
      .orderBy('organizations.name')
      .execute();
    return {
      ...user,
      hasPassword: hashed_password !== UNUSABLE_PASSWORD,
      identities: identities.map(({ provider_id, subject, linked_at }) => ({
        ...{ provider: nameOf.get(provider_id) ?? provider_id, subject, linked_at },
      })),
      organizations: memberships.map((membership) => ({ ...membership, roles: rolesOf(userId, membership.org_id) })),
    };
  });
}
