import {
  checkRequest,
  getOrganization,
  inAllOrganizations,
  type OperatorTransaction,
  type OrgId,
  silentLogger,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { z } from 'zod';
import { recordOperatorAudit } from '../audit/record-audit.ts';
import { OrganizationStateError } from '../errors.ts';
import { inPlace, toPlace } from '../results-database/drop-own-place.ts';
import { liftFence } from '../results-database/fence-writes.ts';
import { lockOrgDatabase } from './move-record.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** Which organization, by whom and why. */
export interface ChangeOrganizationStatus {
  readonly orgId: OrgId;
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
  /** For the audit trail. */
  readonly reason?: string | undefined;
}

const requestSchema = z.strictObject({ ...operatorRequest, reason: z.string().min(1).max(1_000).optional() });

/**
 * From here on the organization answers nothing: its callers are refused at once, its Results DB by every router within the router's `refreshMs`. Nothing is
 * lost. A job that runs at that moment is run to its end by the executor that holds it; jobs that wait start nothing until `reactivateOrganization`, and
 * are queued again by the executors' recovery then. Does nothing where it is suspended already.
 * @throws {OrganizationStateError} for one that is being made, is going away or is gone. @throws {NotFoundError} @throws {ValidationFailedError}
 */
export async function suspendOrganization(
  context: Pick<OrganizationContext, 'metadata'>,
  request: ChangeOrganizationStatus,
): Promise<void> {
  checkRequest(requestSchema, { subject: 'organization', value: request });
  const orgId = request.orgId.toLowerCase();
  await inAllOrganizations(context.metadata, async (tx) => {
    await lockOrgDatabase(tx, { orgId });
    const { status } = await getOrganization(tx, { orgId });
    if (status === 'suspended') return;
    if (status !== 'active')
      throw new OrganizationStateError({ orgId, state: status, hint: 'only an active one is suspended' });
    await updateOrganization(tx, { orgId, set: { status: 'suspended' } });
    await recordOperatorAudit(tx, { orgId, actor: request.actor }, toChange('organization.suspend', request));
  });
}

/**
 * A suspended organization answers again, and its jobs go on. Takes back an offboarding of which nothing was destroyed yet. Does nothing where it is active.
 * @throws {OrganizationStateError} for one that is being made or restored, is going away or is gone. @throws {NotFoundError} @throws {ValidationFailedError}
 */
export async function reactivateOrganization(
  context: OrganizationContext,
  request: ChangeOrganizationStatus,
): Promise<void> {
  checkRequest(requestSchema, { subject: 'organization', value: request });
  const orgId = request.orgId.toLowerCase();
  const { metadata, clusters, logger = silentLogger } = context;
  const offboarded = await inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    if (status === 'active') return undefined;
    if (row.transition === 'offboard' && row.state === 'ready') {
      // The offboarding, should it still be at work, finds that it is no longer meant to destroy anything.
      await updateOrganization(tx, { orgId, set: { status: 'suspended' } });
      return toPlace(row);
    }
    if (status !== 'suspended' || row.transition === 'restore' || row.transition === 'offboard')
      throw new OrganizationStateError({
        orgId,
        state: status,
        hint: 'only a suspended one with whole data is reactivated',
      });
    await activate(tx, request);
    return undefined;
  });
  if (offboarded === undefined) return;
  await inPlace(offboarded, { clusters, logger }, (db) => liftFence(db, offboarded.schema));
  await inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    if (row.transition !== 'offboard' || row.state !== 'ready' || status !== 'suspended') return;
    await updateOrgDatabase(tx, { orgId, set: { transition: null, transition_id: null } });
    await activate(tx, request);
  });
}

async function activate(tx: OperatorTransaction, request: ChangeOrganizationStatus): Promise<void> {
  const orgId = request.orgId.toLowerCase();
  await updateOrganization(tx, { orgId, set: { status: 'active' } });
  await recordOperatorAudit(tx, { orgId, actor: request.actor }, toChange('organization.reactivate', request));
}

function toChange(action: string, { orgId, reason }: ChangeOrganizationStatus) {
  return { action, entityType: 'organization', entityId: orgId, facts: reason === undefined ? {} : { reason } };
}
