import type { Command } from 'commander';
import type { Terminal } from '../terminal.ts';
import { addEntryCommands } from './entry-commands.ts';
import { addExplainCommands } from './explain-commands.ts';
import { addUpkeepCommands } from './upkeep-commands.ts';
import { addWithdrawCommands } from './withdraw-commands.ts';

/** Adds `mad cache` with its commands. */
export function addCacheCommand(program: Command, terminal: Terminal): void {
  const cache = program
    .command('cache')
    .description("ask and manage an organization's cache of results: why, what, for how long");
  addExplainCommands(cache, terminal);
  addEntryCommands(cache, terminal);
  addWithdrawCommands(cache, terminal);
  addUpkeepCommands(cache, terminal);
}
