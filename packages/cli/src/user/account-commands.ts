import { createUser, disableMember, disableUser, reactivateMember, reactivateUser, setPassword } from '@mad/tenancy';
import type { Command } from 'commander';
import { toJson } from '../cache/to-json.ts';
import { CommandUsageError } from '../errors.ts';
import { inPlatform, type OperatorFlags, withActorOption } from '../org/operator-options.ts';
import type { Terminal } from '../terminal.ts';
import { typedBy } from '../typed-by.ts';
import { requireUser, USER_HELP } from './find-user.ts';
import { type OrgFlags, operatorIn, withOrgOption } from './in-organization.ts';
import { readPassword } from './read-password.ts';

interface CreateFlags extends OperatorFlags {
  readonly withPassword?: true;
}

interface StatusFlags extends OperatorFlags, OrgFlags {
  readonly evenLastAdmin?: true;
}

/** Adds `mad user create`, `set-password`, `disable` and `reactivate`. */
export function addAccountCommands(user: Command, terminal: Terminal): void {
  withActorOption(user.command('create').description('make a user, who is a member of nothing yet'))
    .argument('<e-mail>', 'no other user has it')
    .option('--with-password', 'read their password from standard input; at a terminal it is asked for')
    .action((email: string, flags: CreateFlags) => create(terminal, email, flags));
  withActorOption(user.command('set-password'))
    .description('give a user a new password, read from standard input or asked for, and end their sessions')
    .argument('<user>', USER_HELP)
    .action((text: string, flags: OperatorFlags) => changePassword(terminal, text, flags));
  withOrgOption(withActorOption(user.command('disable')), 'keep them out of this one alone: its uuid, or its name')
    .description('keep a user out: their sessions end, their keys are refused, nothing is lost')
    .argument('<user>', USER_HELP)
    .option('--even-last-admin', 'also where an organization is left without an administrator; not with --org')
    .action((text: string, flags: StatusFlags) => disable(terminal, text, flags));
  withOrgOption(withActorOption(user.command('reactivate')), 'let them into this one again: its uuid, or its name')
    .description('let a user in again, with the roles and keys they had')
    .argument('<user>', USER_HELP)
    .action((text: string, flags: StatusFlags) => reactivate(terminal, text, flags));
}

async function create(terminal: Terminal, email: string, flags: CreateFlags): Promise<void> {
  const password = flags.withPassword ? await readPassword(terminal, email) : undefined;
  const typed = { '/email': { option: 'E-MAIL', expected: 'an e-mail address', text: email } };
  const { userId } = await inPlatform(terminal, flags, ({ metadata, actor }) =>
    typedBy(typed, () => createUser({ metadata }, { email, password, actor })),
  );
  const way = password === undefined ? 'no password' : 'a password';
  terminal.out(flags.json ? toJson({ userId, email }) : `${userId} is ${email}, with ${way}\n`);
}

async function changePassword(terminal: Terminal, text: string, flags: OperatorFlags): Promise<void> {
  const userId = await inPlatform(terminal, flags, async ({ metadata, actor }) => {
    const { user_id, email } = await requireUser(metadata, text);
    const password = await readPassword(terminal, email);
    await setPassword({ metadata }, { userId: user_id, actor, password });
    return user_id;
  });
  terminal.out(flags.json ? toJson({ userId }) : `${userId} has a new password; their sessions have ended\n`);
}

async function disable(terminal: Terminal, text: string, flags: StatusFlags): Promise<void> {
  const { org, evenLastAdmin } = flags;
  if (org !== undefined && evenLastAdmin)
    throw new CommandUsageError({ option: '--even-last-admin', expected: 'no --org beside it', got: 'both' });
  await change(terminal, flags, { text, enabled: false });
}

function reactivate(terminal: Terminal, text: string, flags: StatusFlags): Promise<void> {
  return change(terminal, flags, { text, enabled: true });
}

/** The account, or with `--org` the member of that organization alone. */
async function change(
  terminal: Terminal,
  flags: StatusFlags,
  { text, enabled }: { readonly text: string; readonly enabled: boolean },
): Promise<void> {
  const { userId, orgId } = await inPlatform(terminal, flags, async (opened) => {
    const { metadata, actor } = opened;
    const { user_id } = await requireUser(metadata, text);
    if (flags.org !== undefined) {
      const caller = await operatorIn(opened, flags);
      await (enabled ? reactivateMember : disableMember)(metadata, caller, { userId: user_id });
      return { userId: user_id, orgId: caller.orgId };
    }
    const { evenLastAdmin } = flags;
    if (enabled) await reactivateUser({ metadata }, { userId: user_id, actor });
    else await disableUser({ metadata }, { userId: user_id, actor, evenLastAdmin });
    return { userId: user_id, orgId: null };
  });
  if (flags.json) return void terminal.out(toJson({ userId, orgId, enabled }));
  const where = orgId === null ? '' : ` in organization ${orgId}`;
  terminal.out(`${userId} is ${enabled ? 'enabled' : 'disabled'}${where}\n`);
}
