import {
  ConflictError,
  findOrgDatabase,
  findSqlState,
  inAllOrganizations,
  insertOrganization,
  insertOrgDatabase,
  type JsonObject,
  type MetadataDatabase,
  newId,
  type OperatorTransaction,
  type OrganizationRow,
  type OrgId,
  type Placement,
  SQLSTATE,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { placeResultsDatabase, type ResultsDatabasePlace } from '../results-database/results-database-place.ts';

export interface OrganizationToRecord {
  readonly orgId: OrgId | undefined;
  readonly name: string;
  readonly placement: Placement;
  readonly cluster: string;
  readonly quotas: JsonObject;
}

export interface RecordedOrganization {
  readonly place: ResultsDatabasePlace;
  /** True: it was brought to its end before, and nothing was written now. */
  readonly isActive: boolean;
}

/**
 * Writes the organization with the place of its Results DB, before anything is made there: whatever a crash leaves can be found by this row.
 * Takes up the organization of that name where one was left half-way, and finds it where it is active.
 * @throws {ConflictError} when the name or id is taken by an organization at another place, or by one that is neither active nor being provisioned.
 */
export async function recordOrganization(
  metadata: MetadataDatabase,
  organization: OrganizationToRecord,
): Promise<RecordedOrganization> {
  const record = () => inAllOrganizations(metadata, (tx) => takeUpOrInsert(tx, organization));
  try {
    return await record();
  } catch (error) {
    const lostRace = error instanceof ConflictError && findSqlState(error.cause) === SQLSTATE.uniqueViolation;
    if (!lostRace) throw error;
    // Another process wrote the name since it was looked for: now it is there to be found.
    return record();
  }
}

async function takeUpOrInsert(
  tx: OperatorTransaction,
  organization: OrganizationToRecord,
): Promise<RecordedOrganization> {
  const { orgId, name, placement, cluster, quotas } = organization;
  const existing = await lockOrganization(tx, { orgId, name });
  const place = placeResultsDatabase({ orgId: existing?.org_id ?? orgId ?? newId(), placement, cluster });
  if (existing === undefined) {
    await insertOrganization(tx, { org_id: place.orgId, name, status: 'provisioning', quotas });
    await insertPlace(tx, place);
    return { place, isActive: false };
  }
  const isActive = existing.status === 'active';
  if (!isActive && existing.status !== 'provisioning' && existing.status !== 'failed')
    throw taken(name, `it is ${existing.status}; choose another name`);
  const recorded = await findOrgDatabase(tx, { orgId: place.orgId });
  if (recorded && (recorded.placement !== placement || recorded.cluster !== cluster)) {
    const where = `placement ${recorded.placement} on cluster ${recorded.cluster}`;
    throw taken(
      name,
      isActive ? `it has ${where}; name those` : `its provisioning was begun by ${where}; go on with those`,
    );
  }
  if (isActive) {
    if (recorded === undefined) throw taken(name, 'it is active without a Results DB; choose another name');
    return { place, isActive };
  }
  await updateOrganization(tx, { orgId: place.orgId, set: { status: 'provisioning' } });
  if (recorded) await updateOrgDatabase(tx, { orgId: place.orgId, set: { state: 'provisioning', error: null } });
  else await insertPlace(tx, place);
  return { place, isActive: false };
}

async function insertPlace(
  tx: OperatorTransaction,
  { orgId, placement, cluster, database, schema }: ResultsDatabasePlace,
): Promise<void> {
  const row = { org_id: orgId, placement, cluster, database_name: database ?? null, schema_name: schema };
  await insertOrgDatabase(tx, { ...row, state: 'provisioning' });
}

/** The organization of this name or id, which no other call brings to its end meanwhile. */
async function lockOrganization(
  tx: OperatorTransaction,
  { orgId, name }: Pick<OrganizationToRecord, 'orgId' | 'name'>,
): Promise<OrganizationRow | undefined> {
  const found = await tx
    .selectFrom('organizations')
    .selectAll()
    .where((eb) => {
      const named = eb(eb.fn<string>('lower', ['name']), '=', eb.fn<string>('lower', [eb.val(name)]));
      return orgId === undefined ? named : eb.or([named, eb('org_id', '=', orgId)]);
    })
    .select((eb) => eb(eb.fn<string>('lower', ['name']), '=', eb.fn<string>('lower', [eb.val(name)])).as('named'))
    .orderBy('org_id')
    .forUpdate()
    .execute();
  const [organization] = found;
  if (organization === undefined) return undefined;
  if (found.length > 1 || !organization.named || (orgId !== undefined && organization.org_id !== orgId)) {
    throw taken(name, 'the id and the name given belong to different organizations');
  }
  return organization;
}

const taken = (name: string, hint: string): ConflictError =>
  new ConflictError({ entity: 'organization', id: name, hint });
