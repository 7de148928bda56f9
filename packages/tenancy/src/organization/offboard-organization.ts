import { resolve } from 'node:path';
import {
  type ArtifactStore,
  checkRequest,
  inAllOrganizations,
  type OrgId,
  silentLogger,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { z } from 'zod';
import { recordOperatorAudit } from '../audit/record-audit.ts';
import { OffboardingFailedError, OrganizationStateError } from '../errors.ts';
import { checkPlaceIsOwn, dropOwnPlace, inPlace, placeExists, toPlace } from '../results-database/drop-own-place.ts';
import { fenceWrites } from '../results-database/fence-writes.ts';
import type { ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { deleteOrganizationRows, nameOfDeleted } from './delete-rows.ts';
import { exportOrganization, type OrganizationArchive } from './export-organization.ts';
import { lockOrgDatabase } from './move-record.ts';
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
  exportTo: z.union([z.string().min(1), z.literal(false)]),
});

/**
 * Takes an organization off the platform: nothing answers for it any more, it is exported, its tokens are revoked, its Results DB is dropped, its files
 * and its rows are deleted. What stays is its row with the status `deleted`, its name free again, and its audit trail, which can still be verified.
 * Users stay, they may be members elsewhere.
 *
 * Killed anywhere, the same call goes on; nothing is destroyed before the archive is whole, and until then `reactivateOrganization` takes it back. Does nothing
 * where the organization is deleted already.
 * @throws {OffboardingFailedError} @throws {OrganizationStateError} while it is provisioned, moved or restored. @throws {NotFoundError}
 * @throws {PlaceNotOurOwnError} when the Results DB has a name that this library did not give it. @throws {ValidationFailedError}
 */
export async function offboardOrganization(
  context: OffboardingContext,
  request: OffboardOrganization,
): Promise<OffboardedOrganization> {
  checkRequest(requestSchema, { subject: 'offboarding', value: request });
  const { metadata, artifacts, clusters, logger = silentLogger, onStep } = context;
  const { actor, exportTo } = request;
  const orgId = request.orgId.toLowerCase();
  const begun = await begin(context, { orgId, actor });
  if (begun === undefined) return { orgId, archive: undefined, filesDeleted: 0 };
  const { place, isDecided } = begun;
  const around = { clusters, logger };
  let archive: OrganizationArchive | undefined;
  let filesDeleted = 0;
  const steps: Readonly<Record<OffboardingStep, () => Promise<unknown>>> = {
    fence: async () => {
      if (!isDecided) await inPlace(place, around, (db) => fenceWrites(db, place.schema));
    },
    export: async () => {
      if (!isDecided && exportTo !== false)
        archive = await exportOrganization(context, { orgId, to: resolve(exportTo), actor });
    },
    revoke: () => decide(context, { orgId, actor }),
    drop: async () => {
      if (await placeExists(place, around)) await dropOwnPlace(place, around, { fenced: true });
    },
    files: async () => {
      for await (const { digest } of artifacts.list(orgId)) {
        await artifacts.delete(orgId, digest);
        filesDeleted++;
      }
    },
    rows: () =>
      inAllOrganizations(metadata, async (tx) => {
        const { row } = await lockOrgDatabase(tx, { orgId });
        if (row.state === 'deleted') return;
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
      await run();
    } catch (cause) {
      throw new OffboardingFailedError({ orgId, step, cause });
    }
  }
  logger.info({ orgId }, 'organization offboarded');
  return { orgId, archive, filesDeleted };
}

interface Offboarding {
  readonly orgId: OrgId;
  readonly actor: string | null;
}

/** From here on nothing answers for it. `isDecided`: a call before has come past the point of no return. */
function begin(
  { metadata }: OffboardingContext,
  { orgId, actor }: Offboarding,
): Promise<{ readonly place: ResultsDatabasePlace; readonly isDecided: boolean } | undefined> {
  return inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    const place = toPlace(row);
    if (status === 'deleted') return undefined;
    if (row.transition === 'offboard' && status === 'deleting') return { place, isDecided: row.state === 'deleting' };
    if (status !== 'active' && status !== 'suspended')
      throw new OrganizationStateError({ orgId, state: status, hint: 'only active and suspended ones are offboarded' });
    if (row.state !== 'ready' || (row.transition !== null && row.transition !== 'offboard'))
      throw new OrganizationStateError({
        orgId,
        state: row.transition ?? row.state,
        hint: 'offboard it when its Results DB is ready',
      });
    checkPlaceIsOwn(place);
    await updateOrganization(tx, { orgId, set: { status: 'deleting' } });
    await updateOrgDatabase(tx, { orgId, set: { transition: 'offboard' } });
    await recordOperatorAudit(tx, { orgId, actor }, change('organization.offboard.begin', orgId));
    return { place, isDecided: false };
  });
}

/** The archive is whole, or not wanted: from here on there is no way back. */
async function decide({ metadata }: OffboardingContext, { orgId, actor }: Offboarding): Promise<void> {
  await inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    if (status === 'deleted' || row.state === 'deleting') return;
    if (status !== 'deleting')
      throw new OrganizationStateError({ orgId, state: status, hint: 'its offboarding was taken back' });
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
