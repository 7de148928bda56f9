import { cacheStatistics, collectGarbage, evictEntries, verifyEntries } from '@mad/cache';
import type { Command } from 'commander';
import { CommandUsageError, DamagedEntriesError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { count, formatBytes, formatDuration } from './amounts.ts';
import { type CacheFlags, inCache, requireArtifacts, withCacheOptions, withCacheSecret } from './cache-options.ts';
import { parseBytes, parseCount, parseDuration, parseTime } from './parse-cache-flags.ts';
import { showProgress } from './show-progress.ts';
import { toJson } from './to-json.ts';

interface StatsFlags extends CacheFlags {
  readonly since?: string;
}

interface EvictFlags extends CacheFlags {
  readonly maxBytes?: string;
  readonly dryRun?: true;
}

interface GarbageFlags extends CacheFlags {
  readonly grace?: string;
  readonly dryRun?: true;
}

interface VerifyFlags extends CacheFlags {
  readonly limit?: string;
  readonly rehash: boolean;
}

/** Adds `mad cache stats`, `evict`, `gc` and `verify`. */
export function addUpkeepCommands(cache: Command, terminal: Terminal): void {
  withCacheOptions(cache.command('stats').description('entries, hits, misses by reason, and what was saved'))
    .option('--since <time>', 'decisions since then, such as 2030-01-31T08:00:00Z (default: all)')
    .action((flags: StatsFlags) => stats(terminal, flags));
  withCacheOptions(
    cache
      .command('evict')
      .description('drop the entries of least worth until the rest fits; their jobs keep results and files'),
  )
    .option('--max-bytes <size>', 'what the rest may take, such as 500G')
    .option('--dry-run', 'say what would go, and drop nothing')
    .action((flags: EvictFlags) => evict(terminal, flags));
  withCacheOptions(cache.command('gc').description('delete the files that nothing refers to any more'))
    .option('--grace <duration>', 'not those that were stored more recently (default: 24h)')
    .option('--dry-run', 'say what would go, and delete nothing')
    .action((flags: GarbageFlags) => collect(terminal, flags));
  withCacheSecret(withCacheOptions(cache.command('verify')))
    .description('hold entries against their files and rows; those that differ leave service, and the exit code is 1')
    .option('--limit <n>', 'how many, those checked longest ago first (default: all)')
    .option('--no-rehash', 'look at sizes alone, and read no file')
    .action((flags: VerifyFlags) => verify(terminal, flags));
}

async function stats(terminal: Terminal, flags: StatsFlags): Promise<void> {
  const given = flags.since === undefined ? {} : { since: parseTime('--since', flags.since) };
  const found = await inCache(terminal, flags, ({ platform, caller }) => cacheStatistics(platform, caller, given));
  if (flags.json) terminal.out(toJson(found));
  else {
    const misses = Object.entries(found.misses).toSorted(([, a], [, b]) => b - a);
    const missed = misses.reduce((sum, [, number]) => sum + number, 0);
    const rows = [
      ['entries', `${found.entries}, ${formatBytes(found.bytes)}`],
      ['hits', String(found.hits)],
      ['  at once', String(found.hits - found.hitsAfterWaiting)],
      ['  after waiting for another job', String(found.hitsAfterWaiting)],
      ['misses', String(missed)],
      ...misses.map(([reason, number]) => [`  ${reason.replaceAll('_', ' ')}`, String(number)]),
      ['waits for another job begun', String(found.flightsJoined)],
      ['compute time saved', formatDuration(found.savedMs)],
    ];
    terminal.out(formatTable(rows));
  }
}

async function evict(terminal: Terminal, flags: EvictFlags): Promise<void> {
  if (flags.maxBytes === undefined)
    throw new CommandUsageError({ option: '--max-bytes', expected: 'bytes, such as 500M, 20G or 1T', got: 'none' });
  const dryRun = flags.dryRun === true;
  const given = { maxBytes: parseBytes('--max-bytes', flags.maxBytes), dryRun };
  const done = await inCache(terminal, flags, ({ platform, caller }) => evictEntries(platform, caller, given));
  if (flags.json) terminal.out(toJson({ dryRun, ...done }));
  else
    terminal.out(
      `${count(done.entries, 'entry', 'entries')} of ${formatBytes(done.bytes)} ${dryRun ? 'would be evicted' : 'evicted; their jobs keep results and files, and mad cache gc deletes a file once nothing refers to it'}\n`,
    );
}

async function collect(terminal: Terminal, flags: GarbageFlags): Promise<void> {
  requireArtifacts(flags);
  const dryRun = flags.dryRun === true;
  const given = { dryRun, ...(flags.grace !== undefined && { graceMs: parseDuration('--grace', flags.grace) }) };
  const done = await showProgress(terminal, async (show) => {
    show('looking for files that nothing refers to');
    return inCache(terminal, flags, ({ platform, caller }) => collectGarbage(platform, caller, given));
  });
  const { artifacts, bytes, kept } = done;
  if (flags.json) terminal.out(toJson({ dryRun, ...done }));
  else
    terminal.out(
      `${count(artifacts, 'file')} of ${formatBytes(bytes)} ${dryRun ? 'would be deleted' : 'deleted'}, ${kept} kept\n`,
    );
}

async function verify(terminal: Terminal, flags: VerifyFlags): Promise<void> {
  requireArtifacts(flags);
  const { MAD_CACHE_SECRET: secret } = terminal.env;
  const given = {
    ...{ rehash: flags.rehash, secret },
    ...(flags.limit !== undefined && { limit: parseCount('--limit', flags.limit) }),
  };
  const done = await showProgress(terminal, (show) => {
    const onProgress = ({ checked }: { readonly checked: number }) =>
      show(`${count(checked, 'entry', 'entries')} verified`);
    return inCache(terminal, flags, ({ platform, caller }) =>
      verifyEntries(platform, caller, { ...given, onProgress }),
    );
  });
  if (flags.json) terminal.out(toJson(done));
  else {
    const rows = done.quarantined.map(({ cacheKey, reason }) => [cacheKey, reason.replaceAll('_', ' ')]);
    const table = rows.length === 0 ? '' : formatTable([['key', 'found'], ...rows]);
    const foreign =
      done.foreign === 0
        ? ''
        : `${count(done.foreign, 'entry is', 'entries are')} sealed under another secret, so that only rows and files could be verified: set MAD_CACHE_SECRET to that of the platform\n`;
    terminal.out(`${table}${count(done.checked, 'entry', 'entries')} verified, ${rows.length} damaged\n${foreign}`);
  }
  if (done.quarantined.length > 0) throw new DamagedEntriesError({ quarantined: done.quarantined.length });
}
