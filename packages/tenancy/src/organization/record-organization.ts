import {
  ConflictError,
  findOrgDatabase,
  findSqlState,
  inAllOrganizations,
  insertOrgDatabase,
  type JsonObject,
  type MetadataDatabase,
  type NewOrgDatabaseRow,
  newId,
  type OperatorTransaction,
  type OrganizationRow,
  type OrgId,
  type Placement,
  recordOperatorAudit,
  SQLSTATE,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { placeResultsDatabase, type ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { RESULTS_VERSION } from '../results-database/results-template.ts';
import { takeWarmDatabase } from '../warm-pool/take-warm-database.ts';
import { seedAdmin, seedSettingsAndRoles } from './seed-access.ts';

export interface OrganizationToRecord {
  readonly orgId: OrgId | undefined;
  readonly name: string;
  readonly placement: Placement;
  readonly cluster: string;
  readonly quotas: JsonObject;
  readonly email: string | undefined;
  readonly actor: string | null;
  /** True: one that exists is refused. */
  readonly mustBeNew: boolean;
  /** Makes sure, before the organization is written down, that nobody takes it back until its provisioning has ended. */
  readonly hold: (orgId: OrgId) => Promise<void>;
}

export interface RecordedOrganization {
  readonly place: ResultsDatabasePlace;
  /** `new`: nothing was made for it yet. `half`: a call before has begun. `active`: it answers, from a database of the warm pool if it is new. */
  readonly is: 'new' | 'half' | 'active';
  /** Of an active organization whose administrator was asked for. */
  readonly adminUserId: string | null;
}

/**
 * Writes the organization with the place of its Results DB, before anything is made there: whatever a crash leaves can be found by this row. Takes up the organization of that name where one was left
 * half-way, and finds it where it is active. With a database of the warm pool there is nothing left to make: a new one is active at once.
 * @throws {ConflictError} when the name or id is taken by an organization at another place, or by one that is neither active nor being provisioned.
 */
export async function recordOrganization(
  metadata: MetadataDatabase,
  organization: OrganizationToRecord,
): Promise<RecordedOrganization> {
  const record = () => inAllOrganizations(metadata, (tx) => recordIn(tx, organization));
  try {
    return await record();
  } catch (error) {
    const lostRace = error instanceof ConflictError && findSqlState(error.cause) === SQLSTATE.uniqueViolation;
    if (!lostRace) throw error;
    // Another process wrote the name since it was looked for: now it is there to be found.
    return record();
  }
}

async function recordIn(tx: OperatorTransaction, organization: OrganizationToRecord): Promise<RecordedOrganization> {
  const { orgId, name, placement, cluster, mustBeNew } = organization;
  const existing = await lockOrganization(tx, { orgId, name });
  if (existing !== undefined) {
    if (mustBeNew) throw taken(name, 'choose another name');
    return takeUp(tx, existing, organization);
  }
  const mayBeWarm = placement === 'database' && orgId === undefined;
  const warmId = mayBeWarm ? await takeWarmDatabase(tx, { cluster }) : undefined;
  const place = placeResultsDatabase({ orgId: warmId ?? orgId ?? newId(), placement, cluster });
  if (warmId !== undefined) return insertActive(tx, place, organization);
  const held = organization.hold(place.orgId);
  held.catch(() => {});
  await insertOrganization(tx, place, { ...organization, status: 'provisioning' });
  await audit(tx, place, { ...organization, action: 'org.create' });
  await held;
  return { place, is: 'new', adminUserId: null };
}

async function insertActive(
  tx: OperatorTransaction,
  place: ResultsDatabasePlace,
  organization: OrganizationToRecord,
): Promise<RecordedOrganization> {
  const { orgId } = place;
  const { email, actor } = organization;
  await insertOrganization(tx, place, { ...organization, status: 'active' });
  await audit(tx, place, { ...organization, action: 'org.create' });
  await seedSettingsAndRoles(tx, { orgId });
  return { place, is: 'active', adminUserId: await seedAdmin(tx, { orgId, email, actor }) };
}

async function takeUp(
  tx: OperatorTransaction,
  existing: OrganizationRow,
  organization: OrganizationToRecord,
): Promise<RecordedOrganization> {
  const { name, placement, cluster, email, actor } = organization;
  const { org_id: orgId } = existing;
  const place = placeResultsDatabase({ orgId, placement, cluster });
  const isActive = existing.status === 'active';
  if (!isActive && existing.status !== 'provisioning' && existing.status !== 'failed')
    throw taken(
      name,
      `it is ${existing.status}; ${existing.status === 'suspended' ? 'reactivate it, or ' : ''}choose another name`,
    );
  const recorded = await findOrgDatabase(tx, { orgId });
  if (recorded && (recorded.placement !== placement || recorded.cluster !== cluster)) {
    const where = `placement ${recorded.placement} on cluster ${recorded.cluster}`;
    throw taken(
      name,
      isActive ? `it has ${where}; name those` : `its provisioning was begun by ${where}; go on with those`,
    );
  }
  if (isActive) {
    if (recorded === undefined) throw taken(name, 'it is active without a Results DB; choose another name');
    return { place, is: 'active', adminUserId: await seedAdmin(tx, { orgId, email, actor }) };
  }
  if (recorded?.transition) throw taken(name, `a ${recorded.transition} of it is not over; bring that to its end`);
  await updateOrganization(tx, { orgId, set: { status: 'provisioning' } });
  if (recorded) await updateOrgDatabase(tx, { orgId, set: { state: 'provisioning', error: null } });
  else await insertOrgDatabase(tx, toRow(place));
  await audit(tx, place, { ...organization, action: 'org.resume' });
  // Last: what it waits for comes about meanwhile.
  await organization.hold(orgId);
  return { place, is: 'half', adminUserId: null };
}

interface OrganizationToInsert extends OrganizationToRecord {
  readonly status: 'provisioning' | 'active';
}

async function insertOrganization(
  tx: OperatorTransaction,
  place: ResultsDatabasePlace,
  { name, quotas, status }: OrganizationToInsert,
): Promise<void> {
  const ready = { state: 'ready', schema_version: RESULTS_VERSION } as const;
  try {
    await tx
      .with('organization', (db) =>
        db.insertInto('organizations').values({ org_id: place.orgId, name, status, quotas }),
      )
      .insertInto('org_databases')
      .values({ ...toRow(place), ...(status === 'active' && ready) })
      .execute();
  } catch (cause) {
    if (findSqlState(cause) !== SQLSTATE.uniqueViolation) throw cause;
    throw taken(name, 'choose another name', cause);
  }
}

const toRow = ({ orgId, placement, cluster, database, schema }: ResultsDatabasePlace): NewOrgDatabaseRow => ({
  org_id: orgId,
  placement,
  cluster,
  database_name: database ?? null,
  schema_name: schema,
  state: 'provisioning',
});

interface OrganizationToAudit extends OrganizationToRecord {
  readonly action: 'org.create' | 'org.resume';
}

async function audit(
  tx: OperatorTransaction,
  { orgId, placement, cluster }: ResultsDatabasePlace,
  { action, name, quotas, actor }: OrganizationToAudit,
): Promise<void> {
  const facts = { name, placement, cluster };
  const change = { action, entityType: 'organization', entityId: orgId, facts };
  await recordOperatorAudit(tx, { orgId, actor }, { ...change, after: { ...facts, quotas } });
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

const taken = (name: string, hint: string, cause?: unknown): ConflictError =>
  new ConflictError({ entity: 'organization', id: name, hint, cause });
