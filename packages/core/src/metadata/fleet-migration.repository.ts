import { type RawBuilder, sql } from 'kysely';
import { type OrgId, rowId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type Page, type PageRequest, pageLimit, toPage } from '../postgres/page.ts';
import { fromNow } from '../results/from-now.ts';
import { toCleanJsonText } from '../results/to-jsonb.ts';
import { idBeforePage } from './keyset.ts';
import type { OperatorTransaction } from './metadata-database.ts';
import type {
  FleetMigrationRow,
  FleetMigrationRowUpdate,
  NewFleetMigrationRow,
} from './tables/fleet-migration.table.ts';
import type {
  FleetMigrationOrganizationRow,
  FleetOrganizationState,
} from './tables/fleet-migration-organization.table.ts';
import type { OrgDatabaseRow } from './tables/org-database.table.ts';
import { found, translateRefusal } from './translate-refusal.ts';

const entity = 'fleet migration';

interface ById {
  readonly fleetMigrationId: string;
}

/** Nobody else opens or ends a fleet migration until this transaction ends. */
export async function lockFleet(tx: OperatorTransaction): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended('mad.fleet', 0))`.execute(tx);
}

/** The run that is open; undefined when none is. */
export function findOpenFleetMigration(tx: OperatorTransaction): Promise<FleetMigrationRow | undefined> {
  return tx.selectFrom('fleet_migrations').selectAll().where('ended_at', 'is', null).executeTakeFirst();
}

/** The run, which nobody else changes until this transaction ends. @throws {NotFoundError} */
export async function lockFleetMigration(
  tx: OperatorTransaction,
  { fleetMigrationId: id }: ById,
): Promise<FleetMigrationRow> {
  const row = await tx
    .selectFrom('fleet_migrations')
    .selectAll()
    .where('fleet_migration_id', '=', rowId(id))
    .forUpdate()
    .executeTakeFirst();
  return found(row, { entity, id });
}

/** @throws {ConflictError} when another one is open. */
export function insertFleetMigration(tx: OperatorTransaction, row: NewFleetMigrationRow): Promise<FleetMigrationRow> {
  return translateRefusal({ entity, id: row.fleet_migration_id, hint: 'one is open: go on with that' }, () =>
    tx.insertInto('fleet_migrations').values(row).returningAll().executeTakeFirstOrThrow(),
  );
}

/** Changes the status; with `ended` the run is closed for good. @throws {NotFoundError} */
export async function updateFleetMigration(
  tx: OperatorTransaction,
  { fleetMigrationId: id, set }: ById & { readonly set: Pick<FleetMigrationRowUpdate, 'status'> & { ended?: true } },
): Promise<FleetMigrationRow> {
  const { ended, ...columns } = set;
  const row = await tx
    .updateTable('fleet_migrations')
    .set({ ...columns, ...(ended && { ended_at: sql<Date>`now()` }) })
    .where('fleet_migration_id', '=', rowId(id))
    .returningAll()
    .executeTakeFirst();
  return found(row, { entity, id });
}

/** Can be migrated: what is provisioned, moved or offboarded is not, and what is suspended must not stay behind. After `move_drop` only the old place is left to go. */
const reachable = sql<boolean>`d.state in ('ready', 'migrating') and o.status in ('active', 'suspended')
  and coalesce(d.transition, 'move_drop') = 'move_drop'`;
const behind = (target: string) =>
  sql<boolean>`${reachable} and (d.schema_version is null or d.schema_version collate "C" < ${target})`;

/** An organization whose Results DB is older than the target. */
export interface OrganizationBehind {
  readonly org_id: OrgId;
  readonly name: string;
  readonly status: 'active' | 'suspended';
  readonly cluster: string;
  readonly schema_version: string | null;
  /** What stopped its last migration: `{code, message}`; null when nothing did. */
  readonly error: OrgDatabaseRow['error'];
}

/** Active and suspended organizations whose Results DB is older than `target`, newest first: what `org_databases` tells, no database is asked. */
export async function listOrganizationsBehind(
  tx: OperatorTransaction,
  { target, ...request }: PageRequest & { readonly target: string },
): Promise<Page<OrganizationBehind>> {
  const { rows } = await sql<OrganizationBehind>`
    select o.org_id, o.name, o.status, d.cluster, d.schema_version, d.error
    from org_databases d join organizations o on o.org_id = d.org_id
    where ${behind(target)} and d.org_id < ${idBeforePage(request)}
    order by d.org_id desc limit ${pageLimit(request) + 1}`.execute(tx);
  return toPage(rows, request, (row) => [row.org_id]);
}

/** How many organizations `listOrganizationsBehind` lists. */
export async function countOrganizationsBehind(
  tx: OperatorTransaction,
  { target }: { readonly target: string },
): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*)::int as n
    from org_databases d join organizations o on o.org_id = d.org_id where ${behind(target)}`.execute(tx);
  return rows[0]?.n ?? 0;
}

/** The organizations that are behind and not in the run yet, in an order of chance that is the run's own. */
export async function listOrganizationsToAdd(
  tx: OperatorTransaction,
  { fleetMigrationId, target }: ById & { readonly target: string },
): Promise<OrgId[]> {
  const { rows } = await sql<{ org_id: OrgId }>`
    select d.org_id from org_databases d join organizations o on o.org_id = d.org_id
    where ${behind(target)} and not exists (select from fleet_migration_organizations f
      where f.fleet_migration_id = ${fleetMigrationId} and f.org_id = d.org_id)
    order by md5(d.org_id::text || ${fleetMigrationId})`.execute(tx);
  return rows.map(({ org_id }) => org_id);
}

/** Organizations for a run, each with its wave. */
export interface AddFleetOrganizations extends ById {
  readonly organizations: readonly { readonly orgId: OrgId; readonly wave: number }[];
}

/** Puts organizations into the run, as pending. */
export async function addFleetOrganizations(
  tx: OperatorTransaction,
  { fleetMigrationId, organizations }: AddFleetOrganizations,
): Promise<void> {
  await sql`insert into fleet_migration_organizations (fleet_migration_id, org_id, wave)
    select ${fleetMigrationId}, t.org_id, t.wave from ${table(organizations.map(({ orgId, wave }) => ({ org_id: orgId, wave })))}
    as t(org_id uuid, wave int)`.execute(tx);
}

/** An organization that a process has taken, with the place of its Results DB. */
export type ClaimedOrganization = Pick<OrgDatabaseRow, 'org_id' | 'cluster' | 'database_name' | 'schema_name'>;

export interface ClaimFleetOrganizations extends ById {
  readonly wave: number;
  readonly holder: string;
  readonly leaseMs: number;
  readonly limit: number;
}

/**
 * Takes up to `limit` organizations of the wave for `leaseMs` from now by the database's clock: pending ones, and those whose holder gave no
 * sign of life. Their `org_databases.state` becomes `migrating`. A row that another transaction holds is passed over.
 */
export async function claimFleetOrganizations(
  tx: OperatorTransaction,
  { fleetMigrationId, wave, holder, leaseMs, limit }: ClaimFleetOrganizations,
): Promise<ClaimedOrganization[]> {
  const { rows } = await sql<ClaimedOrganization>`
    with due as (
      select f.org_id, d.schema_version from fleet_migration_organizations f
      join org_databases d on d.org_id = f.org_id join organizations o on o.org_id = f.org_id
      where f.fleet_migration_id = ${fleetMigrationId} and f.wave = ${wave} and ${reachable}
        and (f.state = 'pending' or f.state = 'running' and f.lease_expires_at < now())
      limit ${limit} for update of d, f skip locked
    ), claimed as (
      update fleet_migration_organizations f
      set state = 'running', holder = ${holder}, lease_expires_at = ${fromNow(leaseMs)}, attempts = attempts + 1,
        from_version = coalesce(f.from_version, due.schema_version), started_at = coalesce(f.started_at, now())
      from due where f.fleet_migration_id = ${fleetMigrationId} and f.org_id = due.org_id
      returning f.org_id
    )
    update org_databases d set state = 'migrating' from claimed where d.org_id = claimed.org_id
    returning d.org_id, d.cluster, d.database_name, d.schema_name`.execute(tx);
  return rows;
}

/** What became of a claim; `pending` gives it back untouched. */
export interface FleetOutcome {
  readonly orgId: OrgId;
  readonly state: Exclude<FleetOrganizationState, 'running'>;
  /** What the database itself says it is at now; null unless done. */
  readonly version: string | null;
  readonly errorCode: string | null;
  readonly errorMessage: string | null;
}

/**
 * Writes what became of claims that `holder` still has; one that another process took over is left to that one. `org_databases` is `ready`
 * again, of a failed one too: its version before serves on, and its `error` says what happened.
 */
export async function finishFleetOrganizations(
  tx: OperatorTransaction,
  {
    fleetMigrationId,
    holder,
    outcomes,
  }: ById & { readonly holder: string; readonly outcomes: readonly FleetOutcome[] },
): Promise<void> {
  if (outcomes.length === 0) return;
  const rows = outcomes.map(({ orgId, state, version, errorCode, errorMessage }) => ({
    ...{ org_id: orgId, state, version, code: errorCode, message: errorMessage },
  }));
  await sql`
    with ended as (
      update fleet_migration_organizations f
      set state = t.state, to_version = t.version, error_code = t.code, error_message = t.message, holder = null,
        lease_expires_at = null, finished_at = case when t.state = 'pending' then null else now() end,
        attempts = attempts - case when t.state = 'pending' then 1 else 0 end
      from ${table(rows)} as t(org_id uuid, state text, version text, code text, message text)
      where f.fleet_migration_id = ${fleetMigrationId} and f.org_id = t.org_id and f.state = 'running' and f.holder = ${holder}
      returning t.*
    )
    update org_databases d
    set state = 'ready', schema_version = greatest(d.schema_version collate "C", e.version collate "C"),
      error = case e.state when 'failed' then jsonb_build_object('code', e.code, 'message', e.message)
        when 'pending' then d.error end
    from ended e where d.org_id = e.org_id and d.state in ('ready', 'migrating')`.execute(tx);
}

/** Holds what the process still works on for another `leaseMs`. */
export async function renewFleetClaims(
  tx: OperatorTransaction,
  { fleetMigrationId, holder, leaseMs }: ById & { readonly holder: string; readonly leaseMs: number },
): Promise<void> {
  await tx
    .updateTable('fleet_migration_organizations')
    .set({ lease_expires_at: fromNow(leaseMs) })
    .where('fleet_migration_id', '=', rowId(fleetMigrationId))
    .where('holder', '=', holder)
    .execute();
}

/** Takes out of the run what can no longer be migrated, deleted since or on the move, and is in nobody's hands. True when there was such. */
export async function dropUnreachable(tx: OperatorTransaction, { fleetMigrationId }: ById): Promise<boolean> {
  const { numAffectedRows } = await sql`
    delete from fleet_migration_organizations f where f.fleet_migration_id = ${fleetMigrationId}
      and (f.state = 'pending' or f.state = 'running' and f.lease_expires_at < now())
      and not exists (select from org_databases d join organizations o on o.org_id = d.org_id
        where d.org_id = f.org_id and ${reachable})`.execute(tx);
  return (numAffectedRows ?? 0n) > 0n;
}

/** So many organizations of a wave are in this state. */
export interface FleetCount {
  readonly wave: number;
  readonly state: FleetOrganizationState;
  readonly n: number;
}

export async function countFleetOrganizations(
  tx: OperatorTransaction,
  { fleetMigrationId }: ById,
): Promise<FleetCount[]> {
  const { rows } = await sql<FleetCount>`select wave, state, count(*)::int as n from fleet_migration_organizations
    where fleet_migration_id = ${rowId(fleetMigrationId)} group by wave, state order by wave`.execute(tx);
  return rows;
}

export interface ListFleetOrganizations extends PageRequest, ById {
  readonly state?: FleetOrganizationState | undefined;
}

/** The ledger of a run, newest organizations first. */
export async function listFleetOrganizations(
  tx: OperatorTransaction,
  request: ListFleetOrganizations,
): Promise<Page<FleetMigrationOrganizationRow>> {
  let query = tx
    .selectFrom('fleet_migration_organizations')
    .selectAll()
    .where('fleet_migration_id', '=', rowId(request.fleetMigrationId))
    .where('org_id', '<', idBeforePage(request));
  if (request.state !== undefined) query = query.where('state', '=', request.state);
  const rows = await query
    .orderBy('org_id', 'desc')
    .limit(pageLimit(request) + 1)
    .execute();
  return toPage(rows, request, (row) => [row.org_id]);
}

/** Rows in one parameter, for `from … as t(columns)`. */
function table(rows: readonly JsonObject[]): RawBuilder<unknown> {
  return sql`jsonb_to_recordset(cast(cast(${toCleanJsonText(rows)} as text) as jsonb))`;
}
