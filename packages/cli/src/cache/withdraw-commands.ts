import { disownEntries, invalidateEntries, type WithdrawEntries } from '@mad/cache';
import type { Command } from 'commander';
import { CommandUsageError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { count } from './amounts.ts';
import { type CacheFlags, inCache, KEY_HELP, type OpenedCache, withCacheOptions } from './cache-options.ts';
import { parseKey, parseTime } from './parse-cache-flags.ts';
import { resolveKey } from './resolve-key.ts';
import { toJson } from './to-json.ts';

/** Which entries are meant: those that meet all of them. */
interface WithdrawFlags extends CacheFlags {
  readonly task?: string;
  readonly taskVersion?: string;
  readonly image?: string;
  readonly service?: string;
  readonly from?: string;
  readonly to?: string;
  readonly reason?: string;
  readonly dryRun?: true;
}

/** Adds `mad cache invalidate` and `disown`. */
export function addWithdrawCommands(cache: Command, terminal: Terminal): void {
  withCriteria(
    cache.command('invalidate').description('let entries not be served any more: one, or all that meet every option'),
  )
    .option('--reason <text>', 'why, as explanations will say it')
    .action((key: string | undefined, flags: WithdrawFlags) => invalidate(terminal, key, flags));
  withCriteria(
    cache
      .command('disown')
      .description(
        'let entries not be served any more because of what computed them, and list the jobs that used them',
      ),
  )
    .option('--reason <text>', 'why, as the history of each entry will say it')
    .action((key: string | undefined, flags: WithdrawFlags) => disown(terminal, key, flags));
}

function withCriteria(command: Command): Command {
  return withCacheOptions(command)
    .argument('[key]', KEY_HELP)
    .option('--task <key>', 'of this task')
    .option('--task-version <version>', 'of this version of the task')
    .option('--image <digest>', 'computed by this image')
    .option('--service <name>', 'computed by this service')
    .option('--from <time>', 'made then or later, such as 2030-01-31T08:00:00Z')
    .option('--to <time>', 'made before then')
    .option('--dry-run', 'say what would leave service, and change nothing');
}

async function invalidate(terminal: Terminal, key: string | undefined, flags: WithdrawFlags): Promise<void> {
  const done = await withdraw(terminal, { key, flags }, invalidateEntries);
  if (flags.json) terminal.out(toJson(done));
  else if (done.entries === 0) terminal.out(matchedNone(flags, key));
  else
    terminal.out(
      `${count(done.entries, 'entry', 'entries')} ${flags.dryRun ? 'would be invalidated' : 'invalidated'}\n`,
    );
}

async function disown(terminal: Terminal, key: string | undefined, flags: WithdrawFlags): Promise<void> {
  const done = await withdraw(terminal, { key, flags }, disownEntries);
  if (flags.json) terminal.out(toJson(done));
  else if (done.entries === 0 && done.jobs.length === 0) terminal.out(matchedNone(flags, key));
  else {
    const rows = done.jobs.map(({ jobId, cacheKey, how }) => [jobId, HOW[how], cacheKey]);
    const used = rows.length > 0 ? formatTable([['job', 'used it', 'key'], ...rows]) : '';
    const jobs = new Set(done.jobs.map(({ jobId }) => jobId)).size;
    const verb = flags.dryRun ? 'would be disowned' : 'disowned';
    terminal.out(`${used}${count(done.entries, 'entry', 'entries')} ${verb}, used by ${count(jobs, 'job')}\n`);
  }
}

/** Calls what takes entries out of service with all that the flags name. @throws {CommandUsageError} where they name nothing */
async function withdraw<Done extends object>(
  terminal: Terminal,
  { key, flags }: { readonly key: string | undefined; readonly flags: WithdrawFlags },
  call: (platform: OpenedCache['platform'], caller: OpenedCache['caller'], request: WithdrawEntries) => Promise<Done>,
): Promise<Done & { readonly dryRun: boolean }> {
  const { task: taskKey, taskVersion: version, image: imageDigest, service, reason } = flags;
  const prefix = key === undefined ? undefined : parseKey(key);
  const criteria = { taskKey, version, imageDigest, service, between: betweenOf(flags) };
  if ([prefix, ...Object.values(criteria)].every((value) => value === undefined))
    throw new CommandUsageError({
      option: 'mad cache',
      expected: 'at least one of KEY, --task, --task-version, --image, --service, --from or --to',
      got: 'none',
    });
  const dryRun = flags.dryRun === true;
  return inCache(terminal, flags, async (opened) => {
    const cacheKey = prefix === undefined ? undefined : await resolveKey(opened, prefix);
    const { platform, caller } = opened;
    return { dryRun, ...(await call(platform, caller, { cacheKey, ...criteria, reason, dryRun })) };
  });
}

const HOW = { computed: 'computed it', step: 'was given it for a step', job: 'was given it as a whole' } as const;

/** What was looked for, and where to look: a name that is misspelled finds nothing either. */
function matchedNone({ task, taskVersion, image, service, from, to }: WithdrawFlags, key: string | undefined): string {
  const wanted = { key, task, 'task version': taskVersion, image, service, 'made from': from, 'made before': to };
  const words = Object.entries(wanted).flatMap(([name, value]) => (value === undefined ? [] : [`${name} ${value}`]));
  return `matched 0: no entry in service with ${words.join(', ')}; mad cache list shows those that are there\n`;
}

function betweenOf({ from, to }: WithdrawFlags): WithdrawEntries['between'] {
  if (from === undefined && to === undefined) return undefined;
  return {
    ...(from !== undefined && { from: parseTime('--from', from) }),
    ...(to !== undefined && { to: parseTime('--to', to) }),
  };
}
