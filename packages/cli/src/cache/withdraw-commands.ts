import { disownEntries, invalidateEntries } from '@mad/cache';
import type { Command } from 'commander';
import { CommandUsageError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { count } from './amounts.ts';
import { type CacheFlags, inCache, KEY_HELP, withCacheOptions } from './cache-options.ts';
import { parseKey, parseTime } from './parse-cache-flags.ts';
import { resolveKey } from './resolve-key.ts';
import { toJson } from './to-json.ts';

/** Which entries are meant: those that meet all of them. */
interface WithdrawFlags extends CacheFlags {
  readonly task?: string;
  readonly taskVersion?: string;
  readonly image?: string;
  readonly from?: string;
  readonly to?: string;
}

interface InvalidateFlags extends WithdrawFlags {
  readonly reason?: string;
}

interface DisownFlags extends WithdrawFlags {
  readonly service?: string;
}

/** Adds `mad cache invalidate` and `disown`. */
export function addWithdrawCommands(cache: Command, terminal: Terminal): void {
  withCriteria(
    cache.command('invalidate').description('let entries not be served any more: one, or all that meet every option'),
  )
    .argument('[key]', KEY_HELP)
    .option('--reason <text>', 'why, as explanations will say it')
    .action((key: string | undefined, flags: InvalidateFlags) => invalidate(terminal, key, flags));
  withCriteria(
    cache
      .command('disown')
      .description(
        'let entries not be served any more because of what computed them, and list the jobs that used them',
      ),
  )
    .option('--service <name>', 'computed by this service')
    .action((flags: DisownFlags) => disown(terminal, flags));
}

function withCriteria(command: Command): Command {
  return withCacheOptions(command)
    .option('--task <key>', 'of this task')
    .option('--task-version <version>', 'of this version of the task')
    .option('--image <digest>', 'computed by this image')
    .option('--from <time>', 'made then or later, such as 2030-01-31T08:00:00Z')
    .option('--to <time>', 'made before then');
}

async function invalidate(terminal: Terminal, key: string | undefined, flags: InvalidateFlags): Promise<void> {
  const { task: taskKey, taskVersion: version, image: imageDigest, reason } = flags;
  const criteria = {
    ...(key !== undefined && { cacheKey: parseKey(key) }),
    ...(taskKey !== undefined && { taskKey }),
    ...(version !== undefined && { version }),
    ...(imageDigest !== undefined && { imageDigest }),
    ...betweenOf(flags),
  };
  requireCriterion(criteria, 'KEY, --task, --task-version, --image, --from or --to');
  const given = { ...criteria, ...(reason !== undefined && { reason }) };
  const done = await inCache(terminal, flags, async (opened) => {
    const { platform, caller } = opened;
    const { cacheKey: prefix } = criteria;
    const found = prefix === undefined ? {} : { cacheKey: await resolveKey(opened, prefix) };
    return invalidateEntries(platform, caller, { ...given, ...found });
  });
  if (flags.json) terminal.out(toJson(done));
  else if (done.entries === 0) terminal.out(matchedNone(flags, key));
  else terminal.out(`${count(done.entries, 'entry', 'entries')} invalidated\n`);
}

async function disown(terminal: Terminal, flags: DisownFlags): Promise<void> {
  const { task: taskKey, taskVersion: version, image: imageDigest, service } = flags;
  if (taskKey === undefined && version !== undefined)
    throw new CommandUsageError({ option: '--task-version', expected: '--task beside it', got: 'none' });
  const criteria = {
    ...(taskKey !== undefined && { task: { taskKey, ...(version !== undefined && { version }) } }),
    ...(imageDigest !== undefined && { imageDigest }),
    ...(service !== undefined && { service }),
    ...betweenOf(flags),
  };
  requireCriterion(criteria, '--image, --service, --task, --from or --to');
  const done = await inCache(terminal, flags, ({ platform, caller }) => disownEntries(platform, caller, criteria));
  if (flags.json) terminal.out(toJson(done));
  else if (done.entries === 0 && done.jobs.length === 0) terminal.out(matchedNone(flags));
  else {
    const rows = done.jobs.map(({ jobId, cacheKey, how }) => [jobId, HOW[how], cacheKey]);
    const used = rows.length > 0 ? formatTable([['job', 'used it', 'key'], ...rows]) : '';
    const jobs = new Set(done.jobs.map(({ jobId }) => jobId)).size;
    terminal.out(`${used}${count(done.entries, 'entry', 'entries')} disowned, used by ${count(jobs, 'job')}\n`);
  }
}

const HOW = { computed: 'computed it', step: 'was given it for a step', job: 'was given it as a whole' } as const;

/** What was looked for, and where to look: a name that is misspelled finds nothing either. */
function matchedNone({ task, taskVersion, image, service, from, to }: DisownFlags, key?: string | undefined): string {
  const wanted = { key, task, 'task version': taskVersion, image, service, 'made from': from, 'made before': to };
  const words = Object.entries(wanted).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return `matched 0: no entry in service with ${words.join(', ')}; mad cache list shows those that are there\n`;
}

function betweenOf({ from, to }: WithdrawFlags): { between?: { from?: Date; to?: Date } } {
  const between = {
    ...(from !== undefined && { from: parseTime('--from', from) }),
    ...(to !== undefined && { to: parseTime('--to', to) }),
  };
  return Object.keys(between).length === 0 ? {} : { between };
}

function requireCriterion(criteria: object, options: string): void {
  if (Object.keys(criteria).length > 0) return;
  throw new CommandUsageError({ option: 'mad cache', expected: `at least one of ${options}`, got: 'none' });
}
