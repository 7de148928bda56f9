import { type AuditRecord, type AuditVerification, listAudit, verifyAudit } from '@mad/tenancy';
import type { Command } from 'commander';
import { count } from '../cache/amounts.ts';
import { parseLimit, parseTime } from '../cache/parse-cache-flags.ts';
import { showProgress } from '../cache/show-progress.ts';
import { toJson } from '../cache/to-json.ts';
import { AuditTamperedError, CommandUsageError } from '../errors.ts';
import { formatTable } from '../format-table.ts';
import {
  findOrg,
  inPlatform,
  type OpenedPlatform,
  type OperatorFlags,
  resolveUserId,
  withMetadataOptions,
} from '../org/operator-options.ts';
import type { Terminal } from '../terminal.ts';

interface TrailFlags extends Omit<OperatorFlags, 'actor'> {
  readonly org?: string;
  readonly platform?: true;
}

interface ListFlags extends TrailFlags {
  readonly by?: string;
  readonly action?: string;
  readonly type?: string;
  readonly id?: string;
  readonly from?: string;
  readonly to?: string;
  readonly limit?: string;
  readonly cursor?: string;
}

interface VerifyFlags extends TrailFlags {
  readonly anchor?: string;
}

/** Adds `mad audit` with its commands. */
export function addAuditCommand(program: Command, terminal: Terminal): void {
  const audit = program.command('audit').description('who changed what, and whether that record is whole');
  withTrail(audit.command('list').description('list what was done, the newest first'))
    .option('--by <user>', 'by this user: their e-mail address, or their uuid, also of one that is deleted')
    .option('--action <word>', 'such as role.assign')
    .option('--type <word>', 'to what is of this kind, such as user')
    .option('--id <text>', 'to the one with this id')
    .option('--from <time>', 'then or later, such as 2030-01-31T08:00:00Z')
    .option('--to <time>', 'before then')
    .option('--limit <n>', 'how many (default: 50, at most 500)')
    .option('--cursor <text>', 'go on behind an earlier list')
    .action((flags: ListFlags) => list(terminal, flags));
  withTrail(audit.command('verify'))
    .description('follow the chain of hashes, and name the first entry that was tampered with; the exit code is then 1')
    .option('--anchor <seq:hash>', 'the head that an earlier verification printed, from where it was noted')
    .action((flags: VerifyFlags) => verify(terminal, flags));
}

function withTrail(command: Command): Command {
  return withMetadataOptions(command)
    .option('--org <org>', 'the organization: its uuid, or its name')
    .option('--platform', 'what names no organization');
}

/** Null: that of the platform. A uuid is taken as it is: the trail of an organization outlives it. */
async function resolveTrail({ metadata }: OpenedPlatform, { org, platform }: TrailFlags): Promise<string | null> {
  if ((org === undefined) === (platform === undefined)) {
    const got = org === undefined ? 'none of them' : 'both';
    throw new CommandUsageError({ option: '--org', expected: 'either an organization or --platform', got });
  }
  if (org === undefined || /^[0-9a-f-]{36}$/i.test(org)) return org ?? null;
  return (await findOrg(metadata, org)).org_id;
}

async function list(terminal: Terminal, flags: ListFlags): Promise<void> {
  const filter = {
    ...{ action: flags.action, entityType: flags.type, entityId: flags.id, cursor: flags.cursor },
    ...(flags.from !== undefined && { from: parseTime('--from', flags.from) }),
    ...(flags.to !== undefined && { to: parseTime('--to', flags.to) }),
    ...(flags.limit !== undefined && { limit: parseLimit(flags.limit) }),
  };
  const page = await inPlatform(terminal, flags, async (opened) => {
    const actor = flags.by === undefined ? undefined : await resolveUserId(opened.metadata, '--by', flags.by);
    return listAudit(opened.metadata, 'operator', { ...filter, actor, orgId: await resolveTrail(opened, flags) });
  });
  if (flags.json) return void terminal.out(toJson(page));
  if (page.items.length === 0) return void terminal.out('no entries\n');
  terminal.out(formatTable([['n', 'at', 'by', 'action', 'what', 'facts'], ...page.items.map(toRow)]));
  const more = page.nextCursor === undefined ? '' : `; go on with --cursor ${page.nextCursor}`;
  terminal.out(`${count(page.items.length, 'entry', 'entries')}${more}\n`);
}

function toRow({ seq, at, actor, action, entityType, entityId, facts }: AuditRecord): string[] {
  const what = entityId === null ? entityType : `${entityType} ${entityId}`;
  const told = Object.keys(facts).length === 0 ? '' : JSON.stringify(facts);
  const by = actor?.email ?? actor?.userId ?? '-';
  return [String(seq), `${at.toISOString().slice(0, 19)}Z`, by, action, what, told];
}

async function verify(terminal: Terminal, flags: VerifyFlags): Promise<void> {
  const anchor = flags.anchor === undefined ? undefined : parseAnchor(flags.anchor);
  const found = await showProgress(terminal, (show) =>
    inPlatform(terminal, flags, async (opened) =>
      verifyAudit(opened.metadata, 'operator', {
        orgId: await resolveTrail(opened, flags),
        anchor,
        onProgress: ({ rows }) => show(`${count(rows, 'entry', 'entries')} verified`),
      }),
    ),
  );
  terminal.out(flags.json ? toJson(found) : describe(found));
  if (found.tampering) throw new AuditTamperedError(found.tampering);
}

function describe({ rows, head, tampering }: AuditVerification): string {
  const verified = `${count(rows, 'entry', 'entries')} verified`;
  if (tampering) return `${verified}, then: ${tampering.message}\n`;
  return `${verified}, all as they were written\nhead ${head.seq}:${head.hash}\n`;
}

function parseAnchor(text: string): { seq: number; hash: string } {
  const [, seq, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (seq !== undefined && hash !== undefined) return { seq: Number(seq), hash };
  const expected = 'number and hash as mad audit verify prints the head, such as 4711:9f86…';
  throw new CommandUsageError({ option: '--anchor', expected, got: JSON.stringify(text) });
}
