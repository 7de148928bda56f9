import type { Placement } from '@mad/core';
import type { Clusters } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseWord } from '../cache/parse-cache-flags.ts';
import { CommandUsageError } from '../errors.ts';

export interface PlaceFlags {
  readonly placement?: string;
  readonly on?: string;
}

const PLACEMENTS = ['database', 'schema'] as const;

/** Adds the options that say where a Results DB is to be. */
export function withPlaceOptions(command: Command): Command {
  return command
    .option('--placement <word>', 'database, one of its own; or schema, beside others in one')
    .option('--on <name>', 'which of the clusters (default: the only one passed)');
}

/** @throws {CommandUsageError} */
export function parsePlace(
  { placement, on }: PlaceFlags,
  clusters: Clusters,
): { readonly placement: Placement; readonly cluster: string } {
  if (placement === undefined)
    throw new CommandUsageError({ option: '--placement', expected: `one of ${PLACEMENTS.join(', ')}`, got: 'none' });
  const word = parseWord('--placement', placement, PLACEMENTS);
  const names = Object.keys(clusters);
  const [only] = names;
  if (on !== undefined && Object.hasOwn(clusters, on)) return { placement: word, cluster: on };
  if (on === undefined && names.length === 1 && only !== undefined) return { placement: word, cluster: only };
  throw new CommandUsageError({
    option: '--on',
    expected:
      names.length === 0 ? 'a cluster passed by --cluster name=url or MAD_CLUSTERS' : `one of ${names.join(', ')}`,
    got: on === undefined ? 'none' : JSON.stringify(on),
  });
}
