import {
  ConflictError,
  checkRequest,
  deleteOrganization,
  findOrganization,
  findOrgDatabase,
  inAllOrganizations,
  type MetadataDatabase,
  NotFoundError,
  type OperatorTransaction,
  type OrganizationRow,
  type OrgDatabaseRow,
  type OrgId,
  recordOperatorAudit,
  silentLogger,
} from '@mad/core';
import { z } from 'zod';
import { openClusterSession } from '../results-database/cluster-session.ts';
import { dropOwnPlace } from '../results-database/drop-own-place.ts';
import { toPlace } from '../results-database/results-database-place.ts';
import { holdOrganization } from './hold-organization.ts';
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
 * @throws {ValidationFailedError} @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 */
export async function takeBackOrganization(
  { metadata, clusters, logger = silentLogger }: Omit<ProvisioningContext, 'onStep'>,
  request: TakeBackOrganization,
): Promise<void> {
  const { orgId, actor } = checkRequest(requestSchema, { subject: 'organization to take back', value: request });
  const { database } = await getHalf(metadata, orgId);
  if (database === undefined) return inAllOrganizations(metadata, (tx) => remove(tx, { orgId, actor }));
  await using session = await openClusterSession({ clusters, cluster: database.cluster, logger });
  await holdOrganization(session, { orgId, cluster: database.cluster, to: 'unmake' });
  // What stood before this was held may have come to its end since.
  const half = await getHalf(metadata, orgId);
  if (half.database) await dropOwnPlace(toPlace(half.database), { clusters, logger }, { fencedBy: undefined });
  await inAllOrganizations(metadata, (tx) => remove(tx, { orgId, actor }));
  logger.info({ orgId }, 'half an organization was taken back');
}

interface HalfOrganization {
  readonly organization: OrganizationRow;
  readonly database: OrgDatabaseRow | undefined;
}

const getHalf = (metadata: MetadataDatabase, orgId: OrgId): Promise<HalfOrganization> =>
  inAllOrganizations(metadata, (tx) => findHalf(tx, orgId));

async function findHalf(tx: OperatorTransaction, orgId: OrgId): Promise<HalfOrganization> {
  const organization = await findOrganization(tx, { orgId });
  if (organization === undefined)
    throw new NotFoundError({ entity: 'organization', id: orgId, where: 'this platform' });
  const database = await findOrgDatabase(tx, { orgId });
  const states = [organization.status, database?.state ?? 'provisioning'];
  const isHalf = states.every((state) => state === 'provisioning' || state === 'failed');
  // A restore sees to its own end.
  if (!isHalf || (database?.transition ?? null) !== null) {
    const hint = `it is ${database?.transition ? `in a ${database.transition}` : organization.status}, and only one whose provisioning did not come to its end is taken back`;
    throw new ConflictError({ entity: 'organization', id: orgId, hint });
  }
  return { organization, database };
}

async function remove(tx: OperatorTransaction, { orgId, actor }: Required<TakeBackOrganization>): Promise<void> {
  await tx.selectFrom('organizations').select('org_id').where('org_id', '=', orgId).forUpdate().execute();
  const { organization } = await findHalf(tx, orgId);
  const change = { action: 'org.take_back', entityType: 'organization', entityId: orgId };
  const before = { name: organization.name, status: organization.status };
  await recordOperatorAudit(tx, { orgId, actor: actor ?? null }, { ...change, before, facts: before });
  await deleteOrganization(tx, { orgId });
}
