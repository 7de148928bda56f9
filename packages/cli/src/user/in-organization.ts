import { type Caller, type MetadataDatabase, type OrgId, PERMISSIONS } from '@mad/core';
import type { Command } from 'commander';
import { CommandUsageError } from '../errors.ts';
import { findOrg, type OpenedPlatform } from '../org/operator-options.ts';

/** What commands on members, invitations and keys are told beside the operator's options. */
export interface OrgFlags {
  readonly org?: string;
}

/** Adds the option of commands that are about one organization. */
export function withOrgOption(command: Command, text = 'the organization: its uuid, or its name'): Command {
  return command.option('--org <org>', text);
}

/** The id of the organization that was named. @throws {CommandUsageError} @throws {NotFoundError} */
export async function requireOrgId(metadata: MetadataDatabase, { org }: OrgFlags): Promise<OrgId> {
  if (org === undefined)
    throw new CommandUsageError({ option: '--org', expected: 'the uuid or the name of an organization', got: 'none' });
  return (await findOrg(metadata, org)).org_id;
}

/** Whoever may open the database may do everything in its organizations; the audit trail names the actor. */
export async function operatorIn({ metadata, actor }: OpenedPlatform, flags: OrgFlags): Promise<Caller> {
  const orgId = await requireOrgId(metadata, flags);
  return { orgId, userId: actor, permissions: new Set(PERMISSIONS) };
}
