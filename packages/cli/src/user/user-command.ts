import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addAccountCommands } from './account-commands.ts';
import { addMemberCommands } from './member-commands.ts';
import { addShowCommands } from './show-commands.ts';

/** Adds `mad user` with its commands. */
export function addUserCommand(program: Command, terminal: Terminal): void {
  const user = program.command('user').description('users of the platform, and members of organizations');
  addShowCommands(user, terminal);
  addAccountCommands(user, terminal);
  addMemberCommands(user, terminal);
}
