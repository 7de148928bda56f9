import { type OrganizationQuotas, setQuotas } from '@mad/tenancy';
import type { Command } from 'commander';
import { parseAmount } from '../cache/parse-cache-flags.ts';
import { toJson } from '../cache/to-json.ts';
import { formatTable } from '../format-table.ts';
import type { Terminal } from '../terminal.ts';
import { operatorIn } from '../user/in-organization.ts';
import { findOrg, inPlatform, type OperatorFlags, ORG_HELP, withActorOption } from './operator-options.ts';

interface QuotaFlags extends OperatorFlags {
  readonly jobsPerMonth?: string;
  readonly concurrent?: string;
  readonly storageGb?: string;
}

const NAMES = ['max_jobs_per_month', 'max_concurrent_jobs', 'max_storage_gb'] as const;

/** Adds `mad org quota`. */
export function addQuotaCommand(org: Command, terminal: Terminal): void {
  withActorOption(org.command('quota'))
    .description('show the limits of an organization, or change those that are given; none lifts one')
    .argument('<org>', ORG_HELP)
    .option('--jobs-per-month <n>', 'jobs that compute, in a calendar month')
    .option('--concurrent <n>', 'jobs that are accepted and not ended')
    .option('--storage-gb <n>', 'gigabytes of the files that its jobs were given and made')
    .action((text: string, flags: QuotaFlags) => quota(terminal, text, flags));
}

async function quota(terminal: Terminal, text: string, flags: QuotaFlags): Promise<void> {
  const given = {
    ...parseLimitOf('max_jobs_per_month', '--jobs-per-month', flags.jobsPerMonth),
    ...parseLimitOf('max_concurrent_jobs', '--concurrent', flags.concurrent),
    ...parseLimitOf('max_storage_gb', '--storage-gb', flags.storageGb),
  };
  const { orgId, quotas } = await inPlatform(terminal, flags, async (opened) => {
    const { org_id: orgId, quotas: before } = await findOrg(opened.metadata, text);
    const kept = Object.fromEntries(
      NAMES.flatMap((name) => (before[name] === undefined ? [] : [[name, before[name]]])),
    );
    if (Object.keys(given).length === 0) return { orgId, quotas: kept };
    const caller = await operatorIn(opened, { org: orgId });
    return { orgId, quotas: await setQuotas(opened.metadata, caller, { ...kept, ...given }) };
  });
  if (flags.json) return void terminal.out(toJson({ orgId, quotas }));
  terminal.out(formatTable(NAMES.map((name) => [name, String(quotas[name] ?? 'none')])));
}

/** Undefined: the limit is lifted. */
function parseLimitOf(name: keyof OrganizationQuotas, option: string, text: string | undefined): OrganizationQuotas {
  if (text === undefined) return {};
  return { [name]: text === 'none' ? undefined : parseAmount(option, text, { isWhole: name !== 'max_storage_gb' }) };
}
