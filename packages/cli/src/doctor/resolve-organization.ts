import {
  findOrganization,
  findOrganizationByName,
  inAllOrganizations,
  isUuid,
  type MetadataDatabase,
  type OrgId,
} from '@mad/core';
import { CommandUsageError } from '../errors.ts';

/** The id of the organization of this uuid or name; it may be suspended, but it must be there. @throws {CommandUsageError} */
export async function resolveOrganization(metadata: MetadataDatabase, text: string): Promise<OrgId> {
  const found = await inAllOrganizations(metadata, (tx) =>
    isUuid(text) ? findOrganization(tx, { orgId: text.toLowerCase() }) : findOrganizationByName(tx, { name: text }),
  );
  if (found) return found.org_id;
  throw new CommandUsageError({
    option: '--org',
    expected: 'the uuid or the name of an organization in the Metadata DB',
    got: `${JSON.stringify(text)}, which was not found there`,
  });
}
