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
  SQLSTATE,
  updateOrganization,
  updateOrgDatabase,
} from '@mad/core';
import { recordOperatorAudit } from '../audit/record-audit.ts';
import { placeResultsDatabase, type ResultsDatabasePlace } from '../results-database/results-database-place.ts';
import { findTakenDatabase, takeWarmDatabase } from '../warm-pool/take-warm-database.ts';
import { seedAdmin } from './seed-access.ts';

export interface OrganizationToRecord {
  readonly orgId: OrgId | undefined;
  readonly name: string;
  readonly placement: Placement;
  readonly cluster: string;
  readonly quotas: JsonObject;
  readonly email: string | undefined;
  readonly actor: string | null;
  /** Makes sure, before the organization is written down, that nobody takes it back until its provisioning has ended. */
  readonly hold: (orgId: OrgId) => Promise<void>;
}

export interface RecordedOrganization {
  readonly place: ResultsDatabasePlace;
  /** `new`: nothing was made for it before. `active`: it was brought to its end before. */
  readonly was: 'new' | 'half' | 'active';
  /** The database of the warm pool that is to become its own. */
  readonly taken: string | undefined;
  /** Of an active organization whose administrator was asked for. */
  readonly adminUserId: string | null;
}

/**
 * Writes the organization with the place of its Results DB, before anything is made there: whatever a crash leaves can be found by this row. Takes up the organization of that name where one was left half-way, and finds it where it is active.
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
  const recorded = await takeUpOrInsert(tx, organization);
  if (recorded.was === 'active') {
    const { email, actor } = organization;
    return { ...recorded, adminUserId: await seedAdmin(tx, { orgId: recorded.place.orgId, email, actor }) };
  }
  await audit(tx, recorded, organization);
  // Last: what it waits for comes about meanwhile.
  await organization.hold(recorded.place.orgId);
  return { ...recorded, adminUserId: null };
}

type TakenUp = Omit<RecordedOrganization, 'adminUserId'>;

async function takeUpOrInsert(tx: OperatorTransaction, organization: OrganizationToRecord): Promise<TakenUp> {
  const { orgId, name, placement, cluster } = organization;
  const existing = await lockOrganization(tx, { orgId, name });
  const place = placeResultsDatabase({ orgId: existing?.org_id ?? orgId ?? newId(), placement, cluster });
  if (existing === undefined) return insertNew(tx, place, organization);
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
    return { place, was: 'active', taken: undefined };
  }
  if (recorded?.transition) throw taken(name, `a ${recorded.transition} of it is not over; bring that to its end`);
  await updateOrganization(tx, { orgId: place.orgId, set: { status: 'provisioning' } });
  if (recorded) await updateOrgDatabase(tx, { orgId: place.orgId, set: { state: 'provisioning', error: null } });
  else await insertOrgDatabase(tx, toRow(place));
  return { place, was: 'half', taken: await findTakenDatabase(tx, place) };
}

async function insertNew(
  tx: OperatorTransaction,
  place: ResultsDatabasePlace,
  { name, quotas }: OrganizationToRecord,
): Promise<TakenUp> {
  try {
    await tx
      .with('organization', (db) =>
        db.insertInto('organizations').values({ org_id: place.orgId, name, status: 'provisioning', quotas }),
      )
      .insertInto('org_databases')
      .values(toRow(place))
      .execute();
  } catch (cause) {
    if (findSqlState(cause) !== SQLSTATE.uniqueViolation) throw cause;
    throw taken(name, 'choose another name', cause);
  }
  return { place, was: 'new', taken: place.placement === 'database' ? await takeWarmDatabase(tx, place) : undefined };
}

const toRow = ({ orgId, placement, cluster, database, schema }: ResultsDatabasePlace): NewOrgDatabaseRow => ({
  org_id: orgId,
  placement,
  cluster,
  database_name: database ?? null,
  schema_name: schema,
  state: 'provisioning',
});

async function audit(
  tx: OperatorTransaction,
  { place: { orgId, placement, cluster }, was }: TakenUp,
  { name, quotas, actor }: OrganizationToRecord,
): Promise<void> {
  const facts = { name, placement, cluster };
  const change = {
    action: was === 'new' ? 'org.create' : 'org.resume',
    entityType: 'organization',
    entityId: orgId,
    facts,
  };
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
