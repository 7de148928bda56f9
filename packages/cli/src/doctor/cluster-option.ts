import { Option } from 'commander';
import { CommandUsageError } from '../errors.ts';
import { parseClusters } from './parse-clusters.ts';

/** `--cluster name=url...`, as every command that looks into Results DBs takes it. */
export function clusterOption(): Option {
  return new Option(
    '--cluster <name=url...>',
    'where the Results DBs of a cluster are, under its name in org_databases (or MAD_CLUSTERS, parted by spaces)',
  ).argParser(collect);
}

/** It takes every word up to the next option: one that is no cluster was meant for the command. @throws {CommandUsageError} */
function collect(text: string, before: readonly string[] = []): readonly string[] {
  if (before.length > 0 && !text.includes('=') && before.every(isCluster))
    throw new CommandUsageError({
      option: '--cluster',
      expected: 'name=url for each word behind it',
      got: `${JSON.stringify(text)}: put what is no cluster before --cluster`,
    });
  return [...before, text];
}

/** Behind half a URL, which the shell has parted, the next word may be a piece of a password and is not shown. */
function isCluster(text: string): boolean {
  try {
    parseClusters([text]);
    return true;
  } catch (error) {
    if (error instanceof CommandUsageError) return false;
    throw error;
  }
}
