import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addArchiveCommands } from './archive-commands.ts';
import { addFleetCommand } from './fleet-command.ts';
import { addLifeCommands } from './life-commands.ts';
import { addQuotaCommand } from './quota-command.ts';
import { addShowCommands } from './show-commands.ts';

/** Adds `mad org` with its commands. */
export function addOrgCommand(program: Command, terminal: Terminal): void {
  const org = program.command('org').description('organizations: make, find, move, take off the platform');
  addShowCommands(org, terminal);
  addLifeCommands(org, terminal);
  addQuotaCommand(org, terminal);
  addArchiveCommands(org, terminal);
  addFleetCommand(org, terminal);
}
