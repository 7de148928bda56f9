import { getEntry, listEntries, pinEntry, setEntryExpiry } from '@mad/cache';
import type { Command } from 'commander';
import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';
import { type CacheFlags, inCache, KEY_HELP, withCacheOptions } from './cache-options.ts';
import { formatEntries, formatEntry } from './entry-text.ts';
import { parseDuration, parseJobId, parseKey, parseLimit, parseTime, parseWord } from './parse-cache-flags.ts';
import { resolveKey } from './resolve-key.ts';
import { toJson } from './to-json.ts';

interface ListFlags extends CacheFlags {
  readonly task?: string;
  readonly state?: string;
  readonly pinned?: true;
  readonly job?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

interface ExpireFlags extends CacheFlags {
  readonly at?: string;
  readonly never?: true;
  readonly sliding?: string;
}

const STATES = ['served', 'expired', 'invalidated', 'quarantined', 'disowned', 'drifted'] as const;

/** Adds `mad cache list`, `show`, `pin`, `unpin` and `expire`. */
export function addEntryCommands(cache: Command, terminal: Terminal): void {
  withCacheOptions(cache.command('list').description('list entries, the newest first'))
    .option('--task <key>', 'those of this task alone')
    .option('--state <state>', `those in this state alone: ${STATES.join(', ')}`)
    .option('--pinned', 'those that are pinned alone')
    .option('--job <uuid>', 'those that this job computed alone')
    .option('--limit <n>', 'how many (default: 50)')
    .option('--cursor <cursor>', 'go on where a list ended')
    .action((flags: ListFlags) => list(terminal, flags));
  withCacheOptions(cache.command('show').description('everything about one entry, and what happened to it'))
    .argument('<key>', KEY_HELP)
    .action((key: string, flags: CacheFlags) => show(terminal, key, flags));
  for (const pinned of [true, false])
    withCacheOptions(
      cache
        .command(pinned ? 'pin' : 'unpin')
        .description(
          pinned ? 'keep an entry: it does not expire and is not evicted' : 'let an entry expire and be evicted again',
        ),
    )
      .argument('<key>', KEY_HELP)
      .action((key: string, flags: CacheFlags) => pin(terminal, flags, { cacheKey: key, pinned }));
  withCacheOptions(cache.command('expire').description('say when an entry expires'))
    .argument('<key>', KEY_HELP)
    .option('--at <time>', 'then, such as 2030-01-31T08:00:00Z')
    .option('--never', 'not by time')
    .option('--sliding <duration>', 'so long after each use, such as 30d')
    .action((key: string, flags: ExpireFlags) => expire(terminal, key, flags));
}

async function list(terminal: Terminal, flags: ListFlags): Promise<void> {
  const { task: taskKey, state, pinned, job, limit, cursor } = flags;
  const given = {
    ...(taskKey !== undefined && { taskKey }),
    ...(state !== undefined && { state: parseWord('--state', state, STATES) }),
    ...(pinned && { pinned }),
    ...(job !== undefined && { canonicalJobId: parseJobId('--job', job) }),
    ...(limit !== undefined && { limit: parseLimit(limit) }),
    ...(cursor !== undefined && { cursor }),
  };
  const page = await inCache(terminal, flags, ({ platform, caller }) => listEntries(platform, caller, given));
  terminal.out(flags.json ? toJson(page) : formatEntries(page));
}

async function show(terminal: Terminal, key: string, flags: CacheFlags): Promise<void> {
  const prefix = parseKey(key);
  const entry = await inCache(terminal, flags, async (opened) =>
    getEntry(opened.platform, opened.caller, { cacheKey: await resolveKey(opened, prefix) }),
  );
  terminal.out(flags.json ? toJson(entry) : formatEntry(entry));
}

async function pin(
  terminal: Terminal,
  flags: CacheFlags,
  { cacheKey: key, pinned }: { readonly cacheKey: string; readonly pinned: boolean },
): Promise<void> {
  const prefix = parseKey(key);
  const cacheKey = await inCache(terminal, flags, async (opened) => {
    const found = await resolveKey(opened, prefix);
    await pinEntry(opened.platform, opened.caller, { cacheKey: found, pinned });
    return found;
  });
  terminal.out(flags.json ? toJson({ cacheKey, pinned }) : `${pinned ? 'pinned' : 'unpinned'} ${cacheKey}\n`);
}

async function expire(terminal: Terminal, key: string, flags: ExpireFlags): Promise<void> {
  const [prefix, expiry] = [parseKey(key), expiryOf(flags)];
  const given = await inCache(terminal, flags, async (opened) => {
    const found = { cacheKey: await resolveKey(opened, prefix), ...expiry };
    await setEntryExpiry(opened.platform, opened.caller, found);
    return found;
  });
  const when = given.expiresAt === null ? 'does not expire' : `expires at ${given.expiresAt.toISOString()}`;
  terminal.out(flags.json ? toJson(given) : `${given.cacheKey} ${when}\n`);
}

function expiryOf({ at, never, sliding }: ExpireFlags): { expiresAt: Date | null; slidingMs?: number } {
  const given = [at, never, sliding].filter((flag) => flag !== undefined).length;
  if (given !== 1)
    throw new CommandUsageError({
      option: '--at',
      expected: 'either --at <time>, --never or --sliding <duration>',
      got: given === 0 ? 'none of them' : 'several of them',
    });
  if (at !== undefined) return { expiresAt: parseTime('--at', at) };
  if (sliding === undefined) return { expiresAt: null };
  const slidingMs = parseDuration('--sliding', sliding);
  return { expiresAt: new Date(Date.now() + slidingMs), slidingMs };
}
