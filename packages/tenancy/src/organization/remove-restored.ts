import {
  type ArtifactStore,
  deleteOrganization,
  findOrgDatabase,
  inAllOrganizations,
  type OrgDatabaseRow,
  silentLogger,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import type { ArchiveManifest } from '../archive/archive-manifest.ts';
import { dropOwnPlace, toPlace } from '../results-database/drop-own-place.ts';
import type { ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { deleteOrganizationRows, nameOfDeleted } from './delete-rows.ts';
import { lockOrgDatabase } from './move-record.ts';
import type { OrganizationContext } from './organization-context.ts';

/** One call that restores, and what it has made so far. */
export interface Restore {
  readonly context: OrganizationContext & { readonly artifacts: ArtifactStore };
  readonly manifest: ArchiveManifest;
  readonly place: ResultsDatabasePlace;
  readonly name: string;
  readonly actor: string | null;
  readonly restoreId: string;
  /** What is to be taken away where it comes to nothing. */
  readonly made: { readonly users: string[]; readonly digests: string[] };
}

export const aroundOf = ({ context: { clusters, logger = silentLogger } }: Restore) => ({ clusters, logger });

/** Takes away all that this call has made. */
export async function removeAll(restore: Restore): Promise<void> {
  const { context, manifest, made, restoreId } = restore;
  const { metadata, artifacts, logger = silentLogger } = context;
  const orgId = manifest.org_id;
  try {
    for (const digest of made.digests) await artifacts.delete(orgId, digest);
    const left = await inAllOrganizations(metadata, (tx) => findOrgDatabase(tx, { orgId }));
    if (left?.transition_id === restoreId) await removeRecorded(restore, left);
    await inAllOrganizations(metadata, async (tx) => {
      for (const userId of made.users)
        await tx
          .deleteFrom('users')
          .where('user_id', '=', userId)
          .where(({ not, exists, selectFrom }) =>
            not(exists(selectFrom('memberships').select('user_id').where('user_id', '=', userId))),
          )
          .execute();
    });
  } catch (error) {
    logger.error(
      { orgId, err: error },
      'a failed restore could not be taken away; the next one of this organization does it',
    );
  }
}

/** Takes away the rows and the Results DB of a restore that came to nothing. */
export async function removeRecorded(restore: Restore, left: OrgDatabaseRow): Promise<void> {
  const orgId = restore.manifest.org_id;
  await dropOwnPlace(toPlace(left), aroundOf(restore), { fenced: false });
  await inAllOrganizations(restore.context.metadata, async (tx) => {
    const { row } = await lockOrgDatabase(tx, { orgId });
    if (row.transition !== 'restore' || row.transition_id !== left.transition_id) return;
    await updateOrganization(tx, { orgId, set: { status: 'deleting' } });
    await deleteOrganizationRows(tx, { orgId });
    const lived = await tx
      .selectFrom('audit_logs')
      .select('audit_id')
      .where('org_id', '=', orgId)
      .where('action', '=', 'organization.offboard')
      .limit(1)
      .execute();
    if (lived.length === 0) return void (await deleteOrganization(tx, { orgId }));
    await updateOrgDatabase(tx, { orgId, set: { state: 'deleted', transition: null, transition_id: null } });
    await updateOrganization(tx, { orgId, set: { status: 'deleted', name: nameOfDeleted(orgId) } });
  });
}
