import {
  ConflictError,
  checkRequest,
  deleteOrganization,
  findOrganization,
  findOrgDatabase,
  inAllOrganizations,
  NotFoundError,
  type OperatorTransaction,
  type OrganizationRow,
  type OrganizationStatus,
  type OrgDatabaseRow,
  type OrgId,
  recordOperatorAudit,
  silentLogger,
  updateOrgDatabase,
} from '@mad/core';
import { z } from 'zod';
import { dropOwnPlace } from '../results-database/drop-own-place.ts';
import { type ResultsDatabasePlace, toPlace } from '../results-database/results-database-place.ts';
import { holdAlone } from './hold-organization.ts';
import type { ProvisioningContext } from './provision-organization.ts';

/** The organization to undo. */
export interface TakeBackOrganization {
  readonly orgId: OrgId;
  /** The user who does it, for the audit trail. @default null: a program */
  readonly actor?: string | null | undefined;
}

const requestSchema = z.strictObject({ orgId: z.uuid(), actor: z.uuid().nullable().default(null) });

/**
 * Undoes a provisioning that was left half-way: drops what it made, then deletes all that the Metadata DB holds of the organization, so that its name
 * is free. The user who was to administer it stays. Killed, the next call goes on, and so does `provisionOrganization`.
 * @throws {NotFoundError} @throws {ConflictError} for an organization that was ever active.
 * @throws {ResultsDatabaseMismatchError} when what lies at its place is another organization's; nothing is dropped then.
 * @throws {OrganizationBusyError} while it is provisioned, also for the moment in which a server has not noticed that the process which did was killed.
 * @throws {OrganizationHoldLostError} when a server cut the connection by which others are kept off; what is there stays.
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 */
export async function takeBackOrganization(
  { metadata, clusters, logger = silentLogger }: Omit<ProvisioningContext, 'onStep'>,
  request: TakeBackOrganization,
): Promise<void> {
  const { orgId, actor } = checkRequest(requestSchema, { subject: 'organization to take back', value: request });
  await inAllOrganizations(metadata, (tx) => findHalf(tx, orgId));
  await using hold = await holdAlone({ metadata, clusters, logger }, { orgId });
  // From here on nothing that stood still since before this was held makes it active.
  const place = await inAllOrganizations(metadata, (tx) => markGoing(tx, orgId));
  const { check } = hold;
  if (place) await dropOwnPlace(place, { clusters, logger }, { fencedBy: undefined, check });
  await inAllOrganizations(metadata, (tx) => remove(tx, { orgId, actor }));
  logger.info({ orgId }, 'half an organization was taken back');
}

interface HalfOrganization {
  readonly organization: OrganizationRow;
  readonly database: OrgDatabaseRow | undefined;
}

const HALF: readonly string[] = ['provisioning', 'failed'] satisfies OrganizationStatus[];

async function findHalf(tx: OperatorTransaction, orgId: OrgId): Promise<HalfOrganization> {
  const organization = await findOrganization(tx, { orgId });
  if (organization === undefined)
    throw new NotFoundError({ entity: 'organization', id: orgId, where: 'this platform' });
  const database = await findOrgDatabase(tx, { orgId });
  const isHalf = HALF.includes(organization.status) && [...HALF, 'deleting', undefined].includes(database?.state);
  // A restore sees to its own end.
  if (!isHalf || (database?.transition ?? null) !== null) {
    const hint = `it is ${database?.transition ? `in a ${database.transition}` : organization.status}, and only one whose provisioning did not come to its end is taken back; offboard others`;
    throw new ConflictError({ entity: 'organization', id: orgId, hint });
  }
  return { organization, database };
}

/** The organization, half as it still is, kept so until the transaction ends. */
async function lockHalf(tx: OperatorTransaction, orgId: OrgId): Promise<HalfOrganization> {
  await tx.selectFrom('organizations').select('org_id').where('org_id', '=', orgId).forUpdate().execute();
  return findHalf(tx, orgId);
}

/** Returns the place to drop, where there is one. */
async function markGoing(tx: OperatorTransaction, orgId: OrgId): Promise<ResultsDatabasePlace | undefined> {
  const { database } = await lockHalf(tx, orgId);
  if (database === undefined) return undefined;
  await updateOrgDatabase(tx, { orgId, set: { state: 'deleting' } });
  return toPlace(database);
}

async function remove(tx: OperatorTransaction, { orgId, actor }: Required<TakeBackOrganization>): Promise<void> {
  const { organization } = await lockHalf(tx, orgId);
  const change = { action: 'org.take_back', entityType: 'organization', entityId: orgId };
  const before = { name: organization.name, status: organization.status };
  await recordOperatorAudit(tx, { orgId, actor: actor ?? null }, { ...change, before, facts: before });
  await deleteOrganization(tx, { orgId });
}
