import {
  checkRequest,
  inAllOrganizations,
  type OperatorTransaction,
  type OrgId,
  recordOperatorAudit,
  silentLogger,
  storableText,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { z } from 'zod';
import { OrganizationStateError } from '../errors.ts';
import { inPlace } from '../results-database/drop-own-place.ts';
import { liftFence } from '../results-database/fence-writes.ts';
import { toPlace } from '../results-database/results-database-place.ts';
import { holdAlone } from './hold-organization.ts';
import { lockOrgDatabase, lockUnderWay } from './move-record.ts';
import { type OrganizationContext, operatorRequest } from './organization-context.ts';

/** Which organization, by whom and why. */
export interface ChangeOrganizationStatus {
  readonly orgId: OrgId;
  /** The user who asked for it; null for a program. */
  readonly actor: string | null;
  /** For the audit trail. */
  readonly reason?: string | undefined;
}

const requestSchema = z.strictObject({ ...operatorRequest, reason: storableText(1_000).optional() });

/**
 * From here on the organization answers nothing: its callers are refused at once, its Results DB by every router within the router's `refreshMs`. Nothing is
 * lost. A job that runs at that moment is run to its end by the executor that holds it; jobs that wait start nothing until `reactivateOrganization`, and
 * are queued again by the executors' recovery then. Does nothing where it is suspended already.
 * @throws {OrganizationStateError} for one that is being made or restored, is going away or is gone. @throws {NotFoundError} @throws {ValidationFailedError}
 */
export async function suspendOrganization(
  context: Pick<OrganizationContext, 'metadata'>,
  request: ChangeOrganizationStatus,
): Promise<void> {
  checkRequest(requestSchema, { subject: 'organization', value: request });
  const orgId = request.orgId.toLowerCase();
  await inAllOrganizations(context.metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    if (row.transition === 'restore' || row.transition === 'offboard') {
      const hint = 'suspend it when that has ended and it is active';
      throw new OrganizationStateError({ orgId, state: `in its ${row.transition}`, hint });
    }
    if (status === 'suspended') return;
    if (status !== 'active')
      throw new OrganizationStateError({ orgId, state: status, hint: 'only an active one is suspended' });
    await updateOrganization(tx, { orgId, set: { status: 'suspended' } });
    await recordOperatorAudit(tx, { orgId, actor: request.actor }, toChange('organization.suspend', request));
  });
}

/**
 * A suspended organization answers again, and its jobs go on. Takes back an offboarding of which nothing was destroyed yet and whose call has ended; killed
 * in that, the same call goes on. Does nothing where it is active.
 * @throws {OrganizationBusyError} while the call that offboards it is at work.
 * @throws {OrganizationStateError} for one that is being made or restored, is going away or is gone. @throws {NotFoundError} @throws {ValidationFailedError}
 */
export async function reactivateOrganization(
  context: OrganizationContext,
  request: ChangeOrganizationStatus,
): Promise<void> {
  checkRequest(requestSchema, { subject: 'organization', value: request });
  const orgId = request.orgId.toLowerCase();
  const isLeaving = await inAllOrganizations(context.metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    if (status === 'active') return false;
    if (row.transition === 'offboard' && row.state === 'ready') return true;
    if (status !== 'suspended' || row.transition === 'restore' || row.transition === 'offboard') {
      const hint = 'only a suspended one with whole data is reactivated';
      throw new OrganizationStateError({ orgId, state: status, hint });
    }
    await activate(tx, request);
    return false;
  });
  if (isLeaving) await takeBackOffboarding(context, request);
}

async function takeBackOffboarding(context: OrganizationContext, request: ChangeOrganizationStatus): Promise<void> {
  const orgId = request.orgId.toLowerCase();
  const { metadata, clusters, logger = silentLogger } = context;
  await using hold = await holdAlone(context, { orgId });
  const { row } = await inAllOrganizations(metadata, (tx) => lockOrgDatabase(tx, { orgId }));
  if (row.transition !== 'offboard' || row.state !== 'ready') {
    const hint = 'its offboarding went on meanwhile: look what became of it';
    throw new OrganizationStateError({ orgId, state: row.transition ?? row.state, hint });
  }
  const place = toPlace(row);
  await hold.check();
  await inPlace(place, { clusters, logger }, (db) => liftFence(db, { schema: place.schema }));
  await hold.check();
  await inAllOrganizations(metadata, async (tx) => {
    await lockUnderWay(tx, { orgId, transition: 'offboard', transitionId: row.transition_id });
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
