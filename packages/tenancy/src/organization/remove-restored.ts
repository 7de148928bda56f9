import {
  type ArtifactStore,
  deleteOrganization,
  inAllOrganizations,
  type OperatorTransaction,
  type OrgDatabaseRow,
  silentLogger,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import type { ArchiveManifest } from '../archive/archive-manifest.ts';
import { dropOwnPlace } from '../results-database/drop-own-place.ts';
import { reasonOf } from '../results-database/reason-of.ts';
import { type ResultsDatabasePlace, toPlace } from '../results-database/results-database-place.ts';
import { deleteOrganizationRows, nameOfDeleted } from './delete-rows.ts';
import type { OrganizationHold } from './hold-organization.ts';
import { lockUnderWay } from './move-record.ts';
import type { OrganizationContext } from './organization-context.ts';
import { readNotes } from './restore-notes.ts';

/** One call that restores. */
export interface Restore {
  readonly context: OrganizationContext & { readonly artifacts: ArtifactStore };
  readonly hold: OrganizationHold;
  readonly manifest: ArchiveManifest;
  readonly place: ResultsDatabasePlace;
  readonly name: string;
  readonly actor: string | null;
  readonly restoreId: string;
  /** The files that it stored so far. */
  readonly digests: string[];
}

export const aroundOf = ({ context: { clusters, logger = silentLogger } }: Restore) => ({ clusters, logger });

/** Takes away all that this call has made; nothing where another call may be at work. */
export async function removeAll(restore: Restore): Promise<void> {
  const { context, hold, manifest, digests, restoreId } = restore;
  const { metadata, artifacts, logger = silentLogger } = context;
  const orgId = manifest.org_id;
  try {
    await hold.check();
    const left = await inAllOrganizations(metadata, (tx) =>
      lockUnderWay(tx, { orgId, transition: 'restore', transitionId: restoreId }),
    );
    for (const digest of digests) {
      await hold.check();
      await artifacts.delete(orgId, digest);
    }
    await removeRecorded(restore, left);
  } catch (error) {
    logger.error(
      { orgId, reason: reasonOf(error) },
      'a failed restore could not be taken away; the next one of this organization does it',
    );
  }
}

/**
 * Takes away the rows, the Results DB, the users and the files of a restore that came to nothing, whichever process it was. Where files were stored before it
 * began, those are left: nobody can tell which are its own.
 */
export async function removeRecorded(restore: Restore, left: OrgDatabaseRow): Promise<void> {
  const { context, hold } = restore;
  const { metadata, artifacts } = context;
  const orgId = restore.manifest.org_id;
  const underWay = { orgId, transition: 'restore', transitionId: left.transition_id } as const;
  const check = async () => {
    await hold.check();
    await inAllOrganizations(metadata, (tx) => lockUnderWay(tx, underWay));
  };
  await dropOwnPlace(toPlace(left), aroundOf(restore), { fencedBy: undefined, check });
  const noted = { orgId, restoreId: left.transition_id };
  const { hadFiles, users } = await inAllOrganizations(metadata, (tx) => readNotes(tx, noted));
  await check();
  if (!hadFiles) await artifacts.clear(orgId);
  await hold.check();
  await inAllOrganizations(metadata, async (tx) => {
    await lockUnderWay(tx, underWay);
    await updateOrganization(tx, { orgId, set: { status: 'deleting' } });
    await deleteOrganizationRows(tx, { orgId });
    await removeUsers(tx, users);
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

/** Those who have joined another organization since stay. */
async function removeUsers(tx: OperatorTransaction, users: readonly string[]): Promise<void> {
  for (const userId of users)
    await tx
      .deleteFrom('users')
      .where('user_id', '=', userId)
      .where(({ not, exists, selectFrom }) =>
        not(exists(selectFrom('memberships').select('user_id').where('user_id', '=', userId))),
      )
      .execute();
}
