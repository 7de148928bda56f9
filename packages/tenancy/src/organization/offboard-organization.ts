import {
  type ArtifactStore,
  checkRequest,
  inAllOrganizations,
  newId,
  type OrgId,
  recordOperatorAudit,
  silentLogger,
  storableText,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { z } from 'zod';
import { checkArchivePath } from '../archive/archive-path.ts';
import { OffboardingFailedError, OrganizationStateError } from '../errors.ts';
import { checkPlaceIsOwn, dropOwnPlace, inPlace } from '../results-database/drop-own-place.ts';
import { fenceWrites } from '../results-database/fence-writes.ts';
import { type ResultsDatabasePlace, toPlace } from '../results-database/results-database-place.ts';
import { checkPortable } from './check-portable.ts';
import { deleteOrganizationRows, nameOfDeleted } from './delete-rows.ts';
import { exportOrganization, type OrganizationArchive } from './export-organization.ts';
import { holdAlone } from './hold-organization.ts';
import { lockOrgDatabase, lockUnderWay } from './move-record.ts';
import { notReady } from './not-ready.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** What offboarding does after it is recorded, in this order; `export` only where one is asked for. From `revoke` on there is no way back. */
export type OffboardingStep = 'fence' | 'export' | 'revoke' | 'drop' | 'files' | 'rows';

/** What offboarding works with. */
export interface OffboardingContext extends OrganizationContext {
  readonly artifacts: ArtifactStore;
  /** Called before each step; what it throws stops the offboarding there. */
  readonly onStep?: ((step: OffboardingStep) => void | Promise<void>) | undefined;
}

/** The organization that leaves. */
export interface OffboardOrganization {
  readonly orgId: OrgId;
  /** The archive's file; false, said on purpose: nothing is kept. */
  readonly exportTo: string | false;
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
}

/** What was done with an organization that left. */
export interface OffboardedOrganization {
  readonly orgId: OrgId;
  /** Undefined where none was asked for, or a call before has written it. */
  readonly archive: OrganizationArchive | undefined;
  /** Stored files that this call deleted. */
  readonly filesDeleted: number;
}

const requestSchema = z.strictObject({
  ...operatorRequest,
  exportTo: z.union([storableText(4_096), z.literal(false)], 'expected the path of a file, or false for no archive'),
});

/**
 * Takes an organization off the platform: nothing answers for it any more, it is exported, its tokens are revoked, its Results DB is dropped, its files
 * and its rows are deleted. What stays is its row with the status `deleted`, its name free again, and its audit trail, which can still be verified.
 * Users stay, they may be members elsewhere.
 *
 * Killed anywhere, the same call goes on; nothing is destroyed before the archive is whole, and until then `reactivateOrganization` takes it back. Does nothing
 * where the organization is deleted already. It holds the organization to its end.
 * @throws {OrganizationBusyError} while another call moves, offboards, restores or reactivates it.
 * @throws {OffboardingFailedError} @throws {OrganizationStateError} while it is provisioned, moved or restored. @throws {NotFoundError}
 * @throws {PlaceNotOurOwnError} when the Results DB has a name that this library did not give it. @throws {ValidationFailedError}
 * @throws {ResultsDatabaseExtendedError} @throws {ArchivePathError} before anything begins, where an export is asked for.
 */
export async function offboardOrganization(
  context: OffboardingContext,
  request: OffboardOrganization,
): Promise<OffboardedOrganization> {
  checkRequest(requestSchema, { subject: 'offboarding', value: request });
  const { metadata, artifacts, clusters, logger = silentLogger, onStep } = context;
  const { actor, exportTo } = request;
  const orgId = request.orgId.toLowerCase();
  await using hold = await holdAlone(context, { orgId });
  if (exportTo !== false) await checkExport(context, { orgId, exportTo });
  const begun = await begin(context, { orgId, actor });
  if (begun === undefined) return { orgId, archive: undefined, filesDeleted: 0 };
  const { place, isDecided, offboardingId } = begun;
  const around = { clusters, logger };
  const underWay = { orgId, transition: 'offboard', transitionId: offboardingId } as const;
  const check = async () => {
    await hold.check();
    await inAllOrganizations(metadata, (tx) => lockUnderWay(tx, underWay));
  };
  let archive: OrganizationArchive | undefined;
  let filesDeleted = 0;
  const steps: Readonly<Record<OffboardingStep, () => Promise<unknown>>> = {
    fence: async () => {
      const fence = { schema: place.schema, by: offboardingId, check: () => hold.check() };
      if (!isDecided) await inPlace(place, around, (db) => fenceWrites(db, fence));
    },
    export: async () => {
      if (!isDecided && exportTo !== false) archive = await exportOrganization(context, { orgId, to: exportTo, actor });
    },
    revoke: () => decide(context, { orgId, actor, offboardingId }),
    drop: () => dropOwnPlace(place, around, { fencedBy: offboardingId, check }),
    files: async () => {
      for await (const _ of artifacts.list(orgId)) filesDeleted++;
      // A store may hang for as long as another call needs to bring the organization back.
      await check();
      await artifacts.clear(orgId);
    },
    rows: () =>
      inAllOrganizations(metadata, async (tx) => {
        await lockUnderWay(tx, underWay);
        await deleteOrganizationRows(tx, { orgId });
        const nothing = { transition: null, transition_id: null, schema_version: null, error: null };
        await updateOrgDatabase(tx, { orgId, set: { state: 'deleted', ...nothing } });
        await updateOrganization(tx, { orgId, set: { status: 'deleted', name: nameOfDeleted(orgId), quotas: {} } });
        await recordOperatorAudit(tx, { orgId, actor }, change('organization.offboard', orgId));
      }),
  };
  for (const [step, run] of Object.entries(steps) as [OffboardingStep, () => Promise<unknown>][]) {
    try {
      await onStep?.(step);
      await check();
      await run();
    } catch (cause) {
      throw new OffboardingFailedError({ orgId, step, cause });
    }
  }
  logger.info({ orgId }, 'organization offboarded');
  return { orgId, archive, filesDeleted };
}

/** Whether there is something to export, and it can be: asked while nothing has begun. */
async function checkExport(
  { metadata, clusters, logger = silentLogger }: OffboardingContext,
  { orgId, exportTo }: { readonly orgId: OrgId; readonly exportTo: string },
): Promise<void> {
  const { row, status } = await inAllOrganizations(metadata, (tx) => lockOrgDatabase(tx, { orgId }));
  const mayLeave = status === 'active' || status === 'suspended' || status === 'deleting';
  // The others are refused, or have been exported.
  if (!mayLeave || row.state !== 'ready') return;
  await checkArchivePath(exportTo);
  await checkPortable(toPlace(row), { clusters, logger });
}

interface Offboarding {
  readonly orgId: OrgId;
  readonly actor: string | null;
  readonly offboardingId: string;
}

interface BegunOffboarding {
  readonly place: ResultsDatabasePlace;
  /** A call before has come past the point of no return. */
  readonly isDecided: boolean;
  readonly offboardingId: string;
}

/** From here on nothing answers for it. Until it is decided each call has an id of its own, so that none takes a later one for itself. */
function begin(
  { metadata }: OffboardingContext,
  { orgId, actor }: Omit<Offboarding, 'offboardingId'>,
): Promise<BegunOffboarding | undefined> {
  return inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    const place = toPlace(row);
    if (status === 'deleted') return undefined;
    const isDecided = row.transition === 'offboard' && row.state === 'deleting';
    // What is decided is fenced for the call that decided it.
    const offboardingId = (isDecided ? row.transition_id : undefined) ?? newId();
    const set = { transition: 'offboard', transition_id: offboardingId } as const;
    if (row.transition === 'offboard' && status === 'deleting') {
      await updateOrgDatabase(tx, { orgId, set });
      return { place, isDecided, offboardingId };
    }
    if (status !== 'active' && status !== 'suspended')
      throw new OrganizationStateError({ orgId, state: status, hint: 'only active and suspended ones are offboarded' });
    if (row.state !== 'ready' || (row.transition !== null && row.transition !== 'offboard'))
      throw notReady(row, 'offboard');
    checkPlaceIsOwn(place);
    await updateOrganization(tx, { orgId, set: { status: 'deleting' } });
    await updateOrgDatabase(tx, { orgId, set });
    await recordOperatorAudit(tx, { orgId, actor }, change('organization.offboard.begin', orgId));
    return { place, isDecided: false, offboardingId };
  });
}

/** The archive is whole, or not wanted: from here on there is no way back. */
async function decide({ metadata }: OffboardingContext, { orgId, actor, offboardingId }: Offboarding): Promise<void> {
  await inAllOrganizations(metadata, async (tx) => {
    const { state } = await lockUnderWay(tx, { orgId, transition: 'offboard', transitionId: offboardingId });
    if (state === 'deleting') return;
    await updateOrgDatabase(tx, { orgId, set: { state: 'deleting' } });
    await tx
      .updateTable('tokens')
      .set({ revoked: true })
      .where('org_id', '=', orgId)
      .where('revoked', '=', false)
      .execute();
    await recordOperatorAudit(tx, { orgId, actor }, change('organization.offboard.decide', orgId));
  });
}

const change = (action: string, orgId: OrgId) => ({ action, entityType: 'organization', entityId: orgId });
