import {
  ConflictError,
  findOrganizationByName,
  findSqlState,
  inAllOrganizations,
  inOrganization,
  isMadError,
  type MetadataDatabase,
} from '@mad/core';
import {
  moveOrganization,
  ProvisioningFailedError,
  provisionOrganization,
  reactivateOrganization,
  suspendOrganization,
  takeBackOrganization,
} from '@mad/tenancy';
import type { Command } from 'commander';
import { count } from '../cache/amounts.ts';
import { showProgress } from '../cache/show-progress.ts';
import { toJson } from '../cache/to-json.ts';
import { OrganizationUnfinishedError } from '../errors.ts';
import { parseOrgId } from '../migrate/parse-flags.ts';
import type { Terminal } from '../terminal.ts';
import { typedBy } from '../typed-by.ts';
import { findOrg, inPlatform, type OperatorFlags, ORG_HELP, withOperatorOptions } from './operator-options.ts';
import { type PlaceFlags, parsePlace, withPlaceOptions } from './place-options.ts';

interface CreateFlags extends OperatorFlags, PlaceFlags {
  readonly id?: string;
  readonly admin?: string;
  readonly resume?: true;
}

interface StatusFlags extends OperatorFlags {
  readonly reason?: string;
}

/** Adds `mad org create`, `take-back`, `suspend`, `reactivate` and `move`. */
export function addLifeCommands(org: Command, terminal: Terminal): void {
  withPlaceOptions(withOperatorOptions(org.command('create').description('make an organization that can work')))
    .argument('<name>', 'no other organization has it')
    .option('--id <uuid>', 'its uuid (default: a new one)')
    .option('--admin <e-mail>', 'this user is its administrator, and is made where there is none')
    .option('--resume', 'go on with the organization of this name that an earlier call left unfinished')
    .action((name: string, flags: CreateFlags) => create(terminal, name, flags));
  withOperatorOptions(org.command('take-back'))
    .description('undo a create that was left half-way, so that its name is free again; never one that was active')
    .argument('<org>', ORG_HELP)
    .action((text: string, flags: OperatorFlags) => takeBack(terminal, text, flags));
  withOperatorOptions(org.command('suspend').description('let an organization answer nothing; nothing is lost'))
    .argument('<org>', ORG_HELP)
    .option('--reason <text>', 'for the audit trail')
    .action((text: string, flags: StatusFlags) => suspend(terminal, text, flags));
  withOperatorOptions(org.command('reactivate').description('let a suspended organization answer again'))
    .argument('<org>', ORG_HELP)
    .option('--reason <text>', 'for the audit trail')
    .action((text: string, flags: StatusFlags) => reactivate(terminal, text, flags));
  withPlaceOptions(withOperatorOptions(org.command('move')))
    .description('move the Results DB of an organization; the old place is dropped when every row was compared')
    .argument('<org>', ORG_HELP)
    .action((text: string, flags: OperatorFlags & PlaceFlags) => move(terminal, text, flags));
}

async function create(terminal: Terminal, name: string, flags: CreateFlags): Promise<void> {
  const orgId = flags.id === undefined ? undefined : parseOrgId(flags.id, '--id');
  const { made, members } = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const place = parsePlace(flags, clusters);
    const admin = flags.admin === undefined ? {} : { admin: { email: flags.admin } };
    const typed = { '/admin/email': { option: '--admin', expected: 'an e-mail address', text: flags.admin } };
    const organization = await typedBy(typed, () =>
      showProgress(terminal, (show) =>
        provisionOrganization(
          { metadata, clusters, onStep: (step) => show(`${name}: ${step}`) },
          { name, orgId, mustBeNew: flags.resume !== true, ...place, ...admin, actor },
        ),
      ),
    ).catch(async (error) => {
      throw (await findUnfinished(metadata, { name, error })) ?? error;
    });
    return { made: organization, members: await countMembers(metadata, organization.orgId) };
  });
  const next = members > 0 ? null : `mad user invite E-MAIL admin --org ${made.orgId}`;
  if (flags.json) return void terminal.out(toJson({ ...made, members, next }));
  const admin = made.adminUserId === null ? '' : `, administrator ${made.adminUserId}`;
  terminal.out(`${made.orgId} is active: ${made.placement} on ${made.cluster}${admin}\n`);
  if (next !== null) terminal.out(`nobody can enter it: ${next} invites an administrator\n`);
}

/** An earlier call may have made an administrator. */
async function countMembers(metadata: MetadataDatabase, orgId: string): Promise<number> {
  const { members } = await inOrganization(metadata, orgId, (tx) =>
    tx
      .selectFrom('memberships')
      .select((eb) => eb.fn.countAll<string>().as('members'))
      .executeTakeFirstOrThrow(),
  );
  return Number(members);
}

/** What `--resume` goes on with, after a failure of `create`. */
async function findUnfinished(
  metadata: MetadataDatabase,
  { name, error: cause }: { readonly name: string; readonly error: unknown },
): Promise<OrganizationUnfinishedError | undefined> {
  if (cause instanceof ProvisioningFailedError) {
    const { cause: why } = cause;
    const isTold = why instanceof Error && (isMadError(why) || findSqlState(why) !== undefined);
    const reason = isTold ? `: ${why.message}` : '';
    return new OrganizationUnfinishedError({ name, state: `stopped at step ${cause.details.step}${reason}`, cause });
  }
  if (!(cause instanceof ConflictError)) return undefined;
  const there = await inAllOrganizations(metadata, (tx) => findOrganizationByName(tx, { name }));
  if (there?.status !== 'provisioning' && there?.status !== 'failed') return undefined;
  const state =
    there.status === 'failed' ? 'was left half-way by an earlier call' : 'is being made, or was left half-way';
  return new OrganizationUnfinishedError({ name, state, cause });
}

async function takeBack(terminal: Terminal, text: string, flags: OperatorFlags): Promise<void> {
  const { orgId, name } = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const { org_id, name } = await findOrg(metadata, text);
    await takeBackOrganization({ metadata, clusters }, { orgId: org_id, actor });
    return { orgId: org_id, name };
  });
  terminal.out(flags.json ? toJson({ orgId, name }) : `${orgId} is taken back, the name ${name} is free\n`);
}

async function suspend(terminal: Terminal, text: string, flags: StatusFlags): Promise<void> {
  const orgId = await inPlatform(terminal, flags, async ({ metadata, actor }) => {
    const { org_id } = await findOrg(metadata, text);
    await suspendOrganization({ metadata }, { orgId: org_id, actor, reason: flags.reason });
    return org_id;
  });
  terminal.out(flags.json ? toJson({ orgId, status: 'suspended' }) : `${orgId} is suspended\n`);
}

async function reactivate(terminal: Terminal, text: string, flags: StatusFlags): Promise<void> {
  const orgId = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const { org_id } = await findOrg(metadata, text);
    await reactivateOrganization({ metadata, clusters }, { orgId: org_id, actor, reason: flags.reason });
    return org_id;
  });
  terminal.out(flags.json ? toJson({ orgId, status: 'active' }) : `${orgId} is active\n`);
}

async function move(terminal: Terminal, text: string, flags: OperatorFlags & PlaceFlags): Promise<void> {
  const moved = await inPlatform(terminal, flags, async ({ metadata, clusters, actor }) => {
    const to = parsePlace(flags, clusters);
    const { org_id: orgId, name } = await findOrg(metadata, text);
    return showProgress(terminal, (show) =>
      moveOrganization({ metadata, clusters, onStep: (step) => show(`${name}: ${step}`) }, { orgId, to, actor }),
    );
  });
  if (flags.json) return void terminal.out(toJson(moved));
  const rows = Object.values(moved.rows).reduce((sum, number) => sum + number, 0);
  terminal.out(`${moved.orgId} is ${moved.placement} on ${moved.cluster}, ${count(rows, 'row')} copied and compared\n`);
}
