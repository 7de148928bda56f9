import {
  GRANTABLE_PERMISSIONS,
  getToken,
  inOrganization,
  isUuid,
  type MetadataDatabase,
  NotFoundError,
  type OrgId,
  type TokenRow,
} from '@mad/core';
import {
  type ApiKey,
  type CreatedApiKey,
  createApiKey,
  findCaller,
  listApiKeys,
  type Principal,
  revokeApiKey,
} from '@mad/tenancy';
import { type Command, Option } from 'commander';
import { count } from '../cache/amounts.ts';
import { parseDuration, parseLimit } from '../cache/parse-cache-flags.ts';
import { toJson } from '../cache/to-json.ts';
import { CommandUsageError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import { inPlatform, type OperatorFlags, withActorOption, withMetadataOptions } from '../org/operator-options.ts';
import type { Terminal } from '../terminal.ts';
import { requireUser, USER_HELP } from '../user/find-user.ts';
import { type OrgFlags, operatorIn, requireOrgId, withOrgOption } from '../user/in-organization.ts';

interface KeyFlags extends OperatorFlags, OrgFlags {
  readonly user?: string;
}

interface CreateFlags extends KeyFlags {
  readonly scope?: readonly string[];
  readonly expiresIn?: string;
}

interface RotateFlags extends KeyFlags {
  readonly expiresIn?: string;
  readonly keep?: true;
}

interface ListFlags extends KeyFlags {
  readonly limit?: string;
  readonly cursor?: string;
}

const TOKEN_HELP = 'its uuid, as mad token list shows it';
/** The two ends of a key's time are read from two clocks. */
const MAX_DAYS = 366;
const LONGEST_MS = MAX_DAYS * 86_400_000;
const EXPIRES = '--expires-in <duration>';

/** Adds `mad token` with its commands. */
export function addTokenCommand(program: Command, terminal: Terminal): void {
  const token = program.command('token').description('API keys: make, find, replace, revoke');
  withOrgOption(withMetadataOptions(token.command('create')))
    .description('make a key by which a member acts in an organization; the audit trail names the member')
    .argument('<name>', 'for people')
    .option('--user <user>', `who acts by it: ${USER_HELP}`)
    .addOption(
      new Option(
        '--scope <permission...>',
        'what it may do, of what they may do, such as job.create job.view',
      ).argParser(collectScope),
    )
    .option(EXPIRES, 'such as 30d (default: 90d, at most 366d)')
    .action((name: string, flags: CreateFlags) => create(terminal, name, flags));
  withOrgOption(
    withMetadataOptions(token.command('list').description('list the keys of an organization, newest first')),
  )
    .option('--user <user>', `only those of this member: ${USER_HELP}`)
    .option('--limit <n>', 'how many (default: 50, at most 500)')
    .option('--cursor <text>', 'go on behind an earlier list')
    .action((flags: ListFlags) => list(terminal, flags));
  withOrgOption(withActorOption(token.command('rotate')))
    .description('make a key of the same name, member and scopes, and revoke the one before')
    .argument('<token>', TOKEN_HELP)
    .option(EXPIRES, 'such as 30d (default: as long as the one before was given)')
    .option('--keep', 'do not revoke the one before: do it when the new one is in place')
    .action((text: string, flags: RotateFlags) => rotate(terminal, parseTokenId(text), flags));
  withOrgOption(withActorOption(token.command('revoke').description('end a key for good')))
    .argument('<token>', TOKEN_HELP)
    .action((text: string, flags: KeyFlags) => revoke(terminal, parseTokenId(text), flags));
}

/** A key itself is not repeated in a message. @throws {CommandUsageError} */
function parseTokenId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  throw new CommandUsageError({
    option: 'TOKEN',
    expected: 'a uuid as mad token list shows it',
    got: 'something else',
  });
}

/** It takes every word up to the next option. @throws {CommandUsageError} */
function collectScope(text: string, before: readonly string[] = []): readonly string[] {
  if (GRANTABLE_PERMISSIONS.some((permission) => permission === text)) return [...before, text];
  const got = `${JSON.stringify(text)}, which is none; put what is no permission before --scope`;
  throw new CommandUsageError({ option: '--scope', expected: 'permissions such as job.view', got });
}

async function create(terminal: Terminal, name: string, flags: CreateFlags): Promise<void> {
  const { user, scope: scopes } = flags;
  if (user === undefined) throw new CommandUsageError({ option: '--user', expected: USER_HELP, got: 'none' });
  if (scopes === undefined)
    throw new CommandUsageError({ option: '--scope', expected: 'permissions such as job.view', got: 'none' });
  const key = { name, scopes, ...lifetimeOf(flags) };
  const made = await inPlatform(terminal, flags, async ({ metadata }) => {
    const orgId = await requireOrgId(metadata, flags);
    const { user_id: userId } = await requireUser(metadata, user);
    return createApiKey(metadata, await requireHolder(metadata, { orgId, userId }), key);
  });
  terminal.out(flags.json ? toJson(made) : describe(made));
}

function lifetimeOf({ expiresIn }: { readonly expiresIn?: string }): { readonly expiresInMs?: number } {
  return expiresIn === undefined
    ? {}
    : { expiresInMs: parseDuration('--expires-in', expiresIn, { maxDays: MAX_DAYS }) };
}

/** Nobody else may hand out what the member holds. */
async function requireHolder(
  metadata: MetadataDatabase,
  who: { readonly orgId: OrgId; readonly userId: string },
): Promise<Principal> {
  const holder = await findCaller(metadata, who);
  if (holder) return holder;
  const hint = 'mad user list --org shows its members';
  throw new NotFoundError({ entity: 'member', id: who.userId, where: `organization ${who.orgId}`, hint });
}

function describe({ tokenId, userId, expiresAt, bearer }: CreatedApiKey): string {
  return `${tokenId} is a key of ${userId} until ${expiresAt.toISOString()}; it is shown this once:\n${bearer}\n`;
}

async function list(terminal: Terminal, flags: ListFlags): Promise<void> {
  const { user, limit, cursor } = flags;
  const page = await inPlatform(terminal, flags, async (opened) => {
    const { metadata } = opened;
    const caller = await operatorIn(opened, flags);
    const request = {
      ...(user !== undefined && { userId: (await requireUser(metadata, user)).user_id }),
      ...(limit !== undefined && { limit: parseLimit(limit) }),
      ...(cursor !== undefined && { cursor }),
    };
    return listApiKeys(metadata, caller, request);
  });
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no keys\n');
  const rows = page.items.map((key) => [
    ...[key.tokenId, key.name, key.userId, stateOf(key), key.expiresAt.toISOString()],
    ...[key.lastUsedAt?.toISOString() ?? 'never', key.scopes.join(', ')],
  ]);
  const more = page.nextCursor === undefined ? '' : `; go on with --cursor ${page.nextCursor}`;
  terminal.out(formatTable([['token', 'name', 'user', 'state', 'expires', 'last used', 'scopes'], ...rows]));
  terminal.out(`${count(rows.length, 'key')}${more}\n`);
}

function stateOf({ revoked, expiresAt }: ApiKey): string {
  if (revoked) return 'revoked';
  return expiresAt.getTime() > Date.now() ? 'good' : 'expired';
}

async function rotate(terminal: Terminal, tokenId: string, flags: RotateFlags): Promise<void> {
  const made = await inPlatform(terminal, flags, async (opened) => {
    const { metadata } = opened;
    const caller = await operatorIn(opened, flags);
    const before = await requireKey(metadata, { orgId: caller.orgId, tokenId });
    const expiresInMs = Math.min(LONGEST_MS, before.expires_at.getTime() - before.created_at.getTime());
    const holder = await requireHolder(metadata, { orgId: caller.orgId, userId: before.user_id });
    const key = { name: before.name ?? '', scopes: before.scopes, expiresInMs, ...lifetimeOf(flags) };
    const successor = await createApiKey(metadata, holder, key);
    if (!flags.keep) await revokeApiKey(metadata, caller, { tokenId });
    return successor;
  });
  if (flags.json) return void terminal.out(toJson({ ...made, replaces: tokenId, kept: flags.keep === true }));
  const fate = flags.keep ? `stays good: mad token revoke ends it` : 'is revoked';
  terminal.out(`${describe(made)}${tokenId} ${fate}\n`);
}

/** A key that has not been revoked. @throws {NotFoundError} */
async function requireKey(
  metadata: MetadataDatabase,
  { orgId, tokenId }: { readonly orgId: OrgId; readonly tokenId: string },
): Promise<TokenRow> {
  const row = await inOrganization(metadata, orgId, (tx) => getToken(tx, { tokenId }));
  if (row.kind === 'api_key' && !row.revoked) return row;
  const hint = 'mad token create makes another';
  throw new NotFoundError({ entity: 'unrevoked API key', id: tokenId, where: `organization ${orgId}`, hint });
}

async function revoke(terminal: Terminal, tokenId: string, flags: KeyFlags): Promise<void> {
  await inPlatform(terminal, flags, async (opened) =>
    revokeApiKey(opened.metadata, await operatorIn(opened, flags), { tokenId }),
  );
  terminal.out(flags.json ? toJson({ tokenId, revoked: true }) : `${tokenId} is revoked\n`);
}
