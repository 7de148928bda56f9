import { isUuid } from '@mad/core';
import {
  type Invitation,
  inviteMember,
  listMemberInvitations,
  removeMember,
  revokeInvitation,
  setMemberRoles,
} from '@mad/tenancy';
import type { Command } from 'commander';
import { count } from '../cache/amounts.ts';
import { parseDuration, parseLimit } from '../cache/parse-cache-flags.ts';
import { toJson } from '../cache/to-json.ts';
import { CommandUsageError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import { inPlatform, type OperatorFlags, withActorOption, withMetadataOptions } from '../org/operator-options.ts';
import type { Terminal } from '../terminal.ts';
import { typedBy } from '../typed-by.ts';
import { requireUser, USER_HELP } from './find-user.ts';
import { type OrgFlags, operatorIn, withOrgOption } from './in-organization.ts';

interface MemberFlags extends OperatorFlags, OrgFlags {}

interface InviteFlags extends MemberFlags {
  readonly expiresIn?: string;
}

interface ListFlags extends MemberFlags {
  readonly limit?: string;
  readonly cursor?: string;
}

/** Adds `mad user invite`, `invitations`, `revoke-invitation`, `set-roles` and `remove`. */
export function addMemberCommands(user: Command, terminal: Terminal): void {
  withOrgOption(withActorOption(user.command('invite').description('invite somebody into an organization')))
    .argument('<e-mail>', 'of a user, or of somebody who becomes one')
    .argument('[roles...]', 'the names of the roles they hold once they accept')
    .option('--expires-in <duration>', 'such as 3d (default: 7d, at most 30d)')
    .action((email: string, roles: readonly string[], flags: InviteFlags) => invite(terminal, email, { roles, flags }));
  withOrgOption(withMetadataOptions(user.command('invitations')))
    .description('list the invitations into an organization, the newest first')
    .option('--limit <n>', 'how many (default: 50, at most 500)')
    .option('--cursor <text>', 'go on behind an earlier list')
    .action((flags: ListFlags) => listOpen(terminal, flags));
  withOrgOption(withActorOption(user.command('revoke-invitation').description('end an open invitation')))
    .argument('<uuid>', 'as mad user invitations shows it')
    .action((text: string, flags: MemberFlags) => revoke(terminal, parseInvitationId(text), flags));
  withOrgOption(withActorOption(user.command('set-roles')))
    .description('give a member of an organization exactly these of its roles')
    .argument('<user>', USER_HELP)
    .argument('<roles...>', 'the names of all roles that they hold from now on')
    .action((text: string, roles: readonly string[], flags: MemberFlags) => setRoles(terminal, text, { roles, flags }));
  withOrgOption(withActorOption(user.command('remove')))
    .description('end a membership, with the roles, keys and sessions in that organization; the user stays')
    .argument('<user>', USER_HELP)
    .action((text: string, flags: MemberFlags) => remove(terminal, text, flags));
}

async function invite(
  terminal: Terminal,
  email: string,
  { roles, flags }: { readonly roles: readonly string[]; readonly flags: InviteFlags },
): Promise<void> {
  const { expiresIn } = flags;
  const lifetime =
    expiresIn === undefined ? {} : { expiresInMs: parseDuration('--expires-in', expiresIn, { maxDays: 30 }) };
  const typed = { '/email': { option: 'E-MAIL', expected: 'an e-mail address', text: email } };
  const made = await inPlatform(terminal, flags, async (opened) => {
    const caller = await operatorIn(opened, flags);
    return typedBy(typed, () => inviteMember(opened.metadata, caller, { email, roles, ...lifetime }));
  });
  if (flags.json) return void terminal.out(toJson(made));
  terminal.out(`${made.invitationId} invites ${email} until ${made.expiresAt.toISOString()}\n`);
  terminal.out(`send this to the address and to nobody else; it is shown this once:\n${made.bearer}\n`);
}

async function listOpen(terminal: Terminal, flags: ListFlags): Promise<void> {
  const request = {
    ...(flags.limit !== undefined && { limit: parseLimit(flags.limit) }),
    ...(flags.cursor !== undefined && { cursor: flags.cursor }),
  };
  const page = await inPlatform(terminal, flags, async (opened) =>
    listMemberInvitations(opened.metadata, await operatorIn(opened, flags), request),
  );
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no invitations\n');
  const rows = page.items.map((invitation) => [
    ...[invitation.invitationId, invitation.email, stateOf(invitation), invitation.invitedBy ?? '-'],
    invitation.expiresAt.toISOString(),
  ]);
  const more = page.nextCursor === undefined ? '' : `; go on with --cursor ${page.nextCursor}`;
  terminal.out(formatTable([['invitation', 'e-mail', 'state', 'by', 'expires'], ...rows]));
  terminal.out(`${count(rows.length, 'invitation')}${more}\n`);
}

function stateOf({ acceptedAt, revokedAt, expiresAt }: Invitation): string {
  if (acceptedAt !== null) return 'accepted';
  if (revokedAt !== null) return 'revoked';
  return expiresAt.getTime() > Date.now() ? 'open' : 'expired';
}

/** An invitation itself is not repeated in a message. @throws {CommandUsageError} */
function parseInvitationId(text: string): string {
  if (isUuid(text)) return text.toLowerCase();
  const expected = 'a uuid as mad user invitations shows it';
  throw new CommandUsageError({ option: 'UUID', expected, got: 'something else' });
}

async function revoke(terminal: Terminal, invitationId: string, flags: MemberFlags): Promise<void> {
  await inPlatform(terminal, flags, async (opened) =>
    revokeInvitation(opened.metadata, await operatorIn(opened, flags), { invitationId }),
  );
  terminal.out(flags.json ? toJson({ invitationId, revoked: true }) : `${invitationId} is revoked\n`);
}

async function setRoles(
  terminal: Terminal,
  text: string,
  { roles, flags }: { readonly roles: readonly string[]; readonly flags: MemberFlags },
): Promise<void> {
  const userId = await inPlatform(terminal, flags, async (opened) => {
    const { user_id } = await requireUser(opened.metadata, text);
    await setMemberRoles(opened.metadata, await operatorIn(opened, flags), { userId: user_id, roles });
    return user_id;
  });
  terminal.out(flags.json ? toJson({ userId, roles }) : `${userId} holds ${roles.join(', ')}\n`);
}

async function remove(terminal: Terminal, text: string, flags: MemberFlags): Promise<void> {
  const { userId, orgId } = await inPlatform(terminal, flags, async (opened) => {
    const { user_id } = await requireUser(opened.metadata, text);
    const caller = await operatorIn(opened, flags);
    await removeMember(opened.metadata, caller, { userId: user_id });
    return { userId: user_id, orgId: caller.orgId };
  });
  terminal.out(flags.json ? toJson({ userId, orgId }) : `${userId} is no member of ${orgId} any more\n`);
}
