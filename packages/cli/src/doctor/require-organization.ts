import { findOrganization, inAllOrganizations, type MetadataDatabase, type OrgId } from '@mad/core';
import { CommandUsageError } from '../errors.ts';

/** The organization may be suspended, but it must be there. @throws {CommandUsageError} */
export async function requireOrganization(
  metadata: MetadataDatabase,
  { orgId }: { readonly orgId: OrgId },
): Promise<void> {
  if (await inAllOrganizations(metadata, (tx) => findOrganization(tx, { orgId }))) return;
  throw new CommandUsageError({
    option: '--org',
    expected: 'an org_id of the table organizations in the Metadata DB',
    got: `${orgId}, which was not found there`,
  });
}
