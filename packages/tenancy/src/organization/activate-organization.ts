import { ConflictError, findOrganization, findOrgDatabase, inAllOrganizations, type MetadataDatabase } from '@mad/core';
import { RESULTS_VERSION } from '../results-database/results-template.ts';
import { type AdminToSeed, seedAdmin, seedSettingsAndRoles } from './seed-access.ts';

export interface OrganizationToActivate extends AdminToSeed {
  /** Resolves when its Results DB is ready, to which end nothing of the Metadata DB may be needed. */
  readonly isReady: Promise<void>;
}

/**
 * Writes all that an organization begins with, and lets it answer once its Results DB is ready; returns its administrator's id. One that another call
 * has activated meanwhile stands.
 * @throws {ConflictError} for an organization that is neither being provisioned nor active any more.
 */
export async function activateOrganization(
  metadata: MetadataDatabase,
  { isReady, ...admin }: OrganizationToActivate,
): Promise<string | null> {
  const { orgId } = admin;
  return inAllOrganizations(metadata, async (tx) => {
    await seedSettingsAndRoles(tx, { orgId });
    const adminUserId = await seedAdmin(tx, admin);
    await isReady;
    const activated = await tx
      .with('organization', (db) =>
        db
          .updateTable('organizations')
          .set({ status: 'active' })
          .where('org_id', '=', orgId)
          // Another call may have failed meanwhile; one that suspended the organization stands.
          .where('status', 'in', ['provisioning', 'failed'])
          .returning('org_id'),
      )
      .updateTable('org_databases')
      .set({ state: 'ready', schema_version: RESULTS_VERSION, error: null })
      .where('org_id', 'in', (eb) => eb.selectFrom('organization').select('org_id'))
      // One that is being taken back is not there any more.
      .where('state', 'in', ['provisioning', 'failed'])
      .returning('org_id')
      .executeTakeFirst();
    if (activated !== undefined) return adminUserId;
    const organization = await findOrganization(tx, { orgId });
    const database = await findOrgDatabase(tx, { orgId });
    if (organization?.status === 'active' && database?.state !== 'deleting') return adminUserId;
    const hint = `it is ${organization?.status ?? 'gone'} by now; call again`;
    throw new ConflictError({ entity: 'organization', id: orgId, hint });
  });
}
