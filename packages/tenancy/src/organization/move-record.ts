import {
  getOrganization,
  inAllOrganizations,
  type MetadataDatabase,
  NotFoundError,
  newId,
  type OperatorTransaction,
  type OrgDatabaseRow,
  type OrgDatabaseTransition,
  type OrgId,
  recordOperatorAudit,
  updateOrgDatabase,
} from '@mad/core';
import { OrganizationStateError } from '../errors.ts';
import { type ResultsDatabasePlace, toPlace } from '../results-database/results-database-place.ts';
import { notReady } from './not-ready.ts';

/** A move as its row in `org_databases` tells it. */
export interface RecordedMove {
  readonly transition: 'move' | 'move_back' | 'move_drop';
  readonly moveId: string;
  readonly from: ResultsDatabasePlace;
  readonly to: ResultsDatabasePlace;
}

export interface WantedMove {
  readonly to: ResultsDatabasePlace;
  readonly actor: string | null;
}

const NOTHING = {
  transition: null,
  transition_id: null,
  other_placement: null,
  other_cluster: null,
  other_database_name: null,
  other_schema_name: null,
} as const;

/** The row of an organization's Results DB, locked, and the status of the organization. @throws {NotFoundError} */
export async function lockOrgDatabase(
  tx: OperatorTransaction,
  { orgId }: { readonly orgId: OrgId },
): Promise<{ readonly row: OrgDatabaseRow; readonly status: string }> {
  const row = await tx
    .selectFrom('org_databases')
    .selectAll()
    .where('org_id', '=', orgId)
    .forUpdate()
    .executeTakeFirst();
  if (row === undefined)
    throw new NotFoundError({ entity: 'organization', id: orgId, where: 'this platform', hint: 'provision it first' });
  const { status } = await getOrganization(tx, { orgId });
  return { row, status };
}

/** Where the organization's Results DB is, and the move that is under way. @throws {NotFoundError} */
export function findMove(
  metadata: MetadataDatabase,
  orgId: OrgId,
): Promise<{ readonly here: ResultsDatabasePlace; readonly move: RecordedMove | undefined }> {
  return inAllOrganizations(metadata, async (tx) => {
    const { row } = await lockOrgDatabase(tx, { orgId });
    return { here: toPlace(row), move: toMove(row) };
  });
}

/**
 * Notes that a move begins: from here on routers refuse the organization. Returns undefined where it is there already.
 * @throws {OrganizationStateError} for one that is neither active nor suspended, or whose Results DB is not ready.
 */
export function beginMove(metadata: MetadataDatabase, { to, actor }: WantedMove): Promise<RecordedMove | undefined> {
  const { orgId } = to;
  return inAllOrganizations(metadata, async (tx) => {
    const { row, status } = await lockOrgDatabase(tx, { orgId });
    const from = toPlace(row);
    const under = toMove(row);
    if (under) return under;
    if (status !== 'active' && status !== 'suspended')
      throw new OrganizationStateError({ orgId, state: status, hint: 'only active and suspended ones are moved' });
    if (row.state !== 'ready' || row.transition !== null) throw notReady(row, 'move');
    if (isSame(from, to)) return undefined;
    const moveId = newId();
    await updateOrgDatabase(tx, {
      orgId,
      set: { state: 'moving', transition: 'move', transition_id: moveId, ...toOther(to) },
    });
    const facts = { from: tellPlace(from), to: tellPlace(to) };
    await recordOperatorAudit(
      tx,
      { orgId, actor },
      { ...CHANGE, action: 'organization.move.begin', entityId: orgId, facts },
    );
    return { transition: 'move', moveId, from, to };
  });
}

export interface SwitchedPlace {
  readonly actor: string | null;
  /** What the new place's own ledger says; a program of another version may have migrated it. */
  readonly version: string | null;
}

/** The new place becomes the organization's, the one before is left to be dropped. False: another call has ended the move. */
export function switchPlace(
  metadata: MetadataDatabase,
  { moveId, from, to }: RecordedMove,
  { actor, version }: SwitchedPlace,
): Promise<boolean> {
  const { orgId } = to;
  return inAllOrganizations(metadata, async (tx) => {
    const isOurs = await advance(tx, { moveId, orgId, from: 'move', to: 'move_drop' });
    if (!isOurs) return false;
    const { placement, cluster, database, schema } = to;
    const place = { placement, cluster, database_name: database ?? null, schema_name: schema };
    await updateOrgDatabase(tx, {
      orgId,
      set: { ...place, state: 'ready', schema_version: version, error: null, ...toOther(from) },
    });
    const facts = { from: tellPlace(from), to: tellPlace(to) };
    await recordOperatorAudit(tx, { orgId, actor }, { ...CHANGE, action: 'organization.move', entityId: orgId, facts });
    return true;
  });
}

/** From here on nobody switches to the new place any more. False: another call has ended the move. */
export function turnBack(
  metadata: MetadataDatabase,
  { moveId, from, to }: RecordedMove,
  actor: string | null,
): Promise<boolean> {
  const { orgId } = to;
  return inAllOrganizations(metadata, async (tx) => {
    if (!(await advance(tx, { moveId, orgId, from: 'move', to: 'move_back' }))) return false;
    const facts = { from: tellPlace(from), to: tellPlace(to) };
    await recordOperatorAudit(
      tx,
      { orgId, actor },
      { ...CHANGE, action: 'organization.move.back', entityId: orgId, facts },
    );
    return true;
  });
}

interface UnderWay {
  readonly orgId: OrgId;
  readonly transition: OrgDatabaseTransition;
  readonly transitionId: string | null;
}

/** The row of an organization's Results DB, locked, where this transition is still under way. @throws {OrganizationStateError} */
export async function lockUnderWay(
  tx: OperatorTransaction,
  { orgId, transition, transitionId }: UnderWay,
): Promise<OrgDatabaseRow> {
  const { row } = await lockOrgDatabase(tx, { orgId });
  if (row.transition === transition && row.transition_id === transitionId) return row;
  const hint = 'another call has ended what this one was at: look what became of it';
  throw new OrganizationStateError({ orgId, state: 'elsewhere', hint });
}

/** The move is over: the organization serves, from where its row says. */
export async function endMove(metadata: MetadataDatabase, { moveId, to: { orgId } }: RecordedMove): Promise<void> {
  await inAllOrganizations(metadata, (tx) =>
    tx
      .updateTable('org_databases')
      .set({ state: 'ready', ...NOTHING })
      .where('org_id', '=', orgId)
      .where('transition_id', '=', moveId)
      .execute(),
  );
}

interface Advance {
  readonly orgId: OrgId;
  readonly moveId: string;
  readonly from: OrgDatabaseTransition;
  readonly to: OrgDatabaseTransition;
}

async function advance(tx: OperatorTransaction, { orgId, moveId, from, to }: Advance): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('org_databases')
    .set({ transition: to })
    .where('org_id', '=', orgId)
    .where('transition_id', '=', moveId)
    .where('transition', '=', from)
    .executeTakeFirstOrThrow();
  return numUpdatedRows > 0n;
}

function toMove(row: OrgDatabaseRow): RecordedMove | undefined {
  const { transition, transition_id, other_placement, other_cluster, other_database_name, other_schema_name } = row;
  if (transition !== 'move' && transition !== 'move_back' && transition !== 'move_drop') return undefined;
  if (transition_id === null || other_placement === null || other_cluster === null) return undefined;
  const here = toPlace(row);
  const other: ResultsDatabasePlace = {
    orgId: row.org_id,
    placement: other_placement,
    cluster: other_cluster,
    database: other_database_name ?? undefined,
    schema: other_schema_name ?? 'public',
  };
  const places = transition === 'move_drop' ? { from: other, to: here } : { from: here, to: other };
  return { transition, moveId: transition_id, ...places };
}

const CHANGE = { entityType: 'organization' } as const;

const toOther = ({ placement, cluster, database, schema }: ResultsDatabasePlace) => ({
  other_placement: placement,
  other_cluster: cluster,
  other_database_name: database ?? null,
  other_schema_name: schema,
});

const tellPlace = ({ placement, cluster }: ResultsDatabasePlace) => ({ placement, cluster });

/** Whether two places are one. */
export function isSame(one: ResultsDatabasePlace, other: ResultsDatabasePlace): boolean {
  return one.cluster === other.cluster && one.database === other.database && one.schema === other.schema;
}
