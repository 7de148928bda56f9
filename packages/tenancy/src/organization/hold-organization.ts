import { setTimeout as sleep } from 'node:timers/promises';
import { findOrgDatabase, inAllOrganizations, type MetadataDatabase, type OrgId, silentLogger } from '@mad/core';
import { type RawBuilder, sql } from 'kysely';
import { OrganizationBusyError, OrganizationHoldLostError } from '../errors.ts';
import { getCluster } from '../results-database/cluster.ts';
import { type ClusterSession, openClusterSession } from '../results-database/cluster-session.ts';
import type { OrganizationContext } from './organization-context.ts';

interface HoldOn {
  readonly orgId: OrgId;
  readonly cluster: string;
}

/**
 * Holds an organization together with others who make it, on one cluster and for as long as the session lasts. Never waits: whoever holds it alone
 * may wait for what the caller holds in the Metadata DB. Nothing to do on PGlite, where nobody dies alone.
 * @throws {OrganizationBusyError}
 */
export async function holdTogether({ cluster, db }: ClusterSession, { orgId, cluster: name }: HoldOn): Promise<void> {
  if (cluster.kind === 'pglite') return;
  const { rows } = await sql<{ held: boolean }>`
    select pg_try_advisory_lock_shared(${lockOf(orgId, name)}) as held`.execute(db);
  if (!rows[0]?.held) throw new OrganizationBusyError({ orgId, by: 'takeBackOrganization' });
}

/** Asks whether the session lives on, and with it what it holds. @throws {OrganizationHoldLostError} */
export async function checkTogether({ cluster, db }: ClusterSession, { orgId, cluster: name }: HoldOn): Promise<void> {
  if (cluster.kind === 'pglite') return;
  await sql`select`.execute(db).catch((cause: unknown) => {
    throw new OrganizationHoldLostError({ orgId, cluster: name, cause });
  });
}

/** Under the cluster's name: two names may lead to one server. */
const lockOf = (orgId: OrgId, cluster: string): RawBuilder<unknown> =>
  sql`hashtextextended(${`mad.organization.${cluster}.${orgId.toLowerCase()}`}, 0)`;

/** What one call alone has of an organization until it is disposed, or until a server cuts a connection. */
export interface OrganizationHold extends AsyncDisposable {
  /** @throws {OrganizationHoldLostError} once another call may have taken it: nothing may be touched any more. */
  check(): Promise<void>;
}

interface HoldAlone {
  readonly orgId: OrgId;
  /** A cluster beside those that its row names. */
  readonly cluster?: string | undefined;
}

/** In which a server notices that the process that held it is gone. */
const PATIENCE_MS = 1_000;

/**
 * Holds an organization alone on every cluster that its row names, so that its life is changed by one call at a time. To be asked before its row is
 * read for what to do, and again before each act that cannot be undone.
 * @throws {OrganizationBusyError} while another call holds it, or a server has not noticed that the process which did is gone.
 * @throws {ClusterUnknownError} @throws {ResultsDatabaseUnreachableError}
 */
export async function holdAlone(context: OrganizationContext, request: HoldAlone): Promise<OrganizationHold> {
  const orgId = request.orgId.toLowerCase();
  const also = request.cluster === undefined ? [] : [request.cluster];
  const names = new Set([...(await readClusters(context.metadata, orgId)), ...also]);
  await using opening = new AsyncDisposableStack();
  const checks: (() => Promise<void>)[] = [];
  // In one order everywhere: two calls do not keep each other out.
  for (const cluster of [...names].sort()) {
    const held = await holdOn(context, { orgId, cluster });
    opening.use(held);
    checks.push(held.check);
  }
  // What was read before it was held may have moved since.
  for (const cluster of await readClusters(context.metadata, orgId))
    if (!names.has(cluster)) throw new OrganizationBusyError({ orgId, by: 'another call' });
  const holds = opening.move();
  return {
    async check() {
      for (const check of checks) await check();
    },
    [Symbol.asyncDispose]: () => holds.disposeAsync(),
  };
}

/** None for one that is not there or was offboarded: its place is nobody's. */
async function readClusters(metadata: MetadataDatabase, orgId: OrgId): Promise<readonly string[]> {
  const row = await inAllOrganizations(metadata, (tx) => findOrgDatabase(tx, { orgId }));
  if (row === undefined || row.state === 'deleted') return [];
  return row.other_cluster === null ? [row.cluster] : [row.cluster, row.other_cluster];
}

async function holdOn(context: OrganizationContext, request: HoldOn): Promise<OrganizationHold> {
  const { clusters, logger = silentLogger } = context;
  const { orgId, cluster } = request;
  const found = getCluster(clusters, cluster);
  if (found.kind === 'pglite') return holdInProcess(found.db, request);
  const { db, [Symbol.asyncDispose]: close } = await openClusterSession({ clusters, cluster, logger });
  const lock = lockOf(orgId, cluster);
  const ask = async (question: RawBuilder<unknown>): Promise<boolean> => {
    const { rows } = await sql<{ is: boolean }>`select ${question} as is`.execute(db);
    return rows[0]?.is === true;
  };
  const until = performance.now() + PATIENCE_MS;
  try {
    // It says nothing for as long as the call takes.
    await sql`set idle_session_timeout = 0`.execute(db);
    while (!(await ask(sql`pg_try_advisory_lock(${lock})`))) {
      if (performance.now() > until) throw new OrganizationBusyError({ orgId, by: 'another call' });
      await sleep(50);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    async check() {
      const isHeld = await ask(sql`exists (select from pg_locks where locktype = 'advisory' and pid = pg_backend_pid()
        and mode = 'ExclusiveLock' and granted and objsubid = 1
        and ((classid::bigint << 32) | objid::bigint) = ${lock})`).catch((cause: unknown) => {
        throw new OrganizationHoldLostError({ orgId, cluster, cause });
      });
      if (!isHeld) throw new OrganizationHoldLostError({ orgId, cluster, cause: undefined });
    },
    async [Symbol.asyncDispose]() {
      // The next call need not wait until the server notices the end of the session; where that is cut, the lock is free.
      await ask(sql`pg_advisory_unlock(${lock})`).catch(() => {});
      await close();
    },
  };
}

const heldInProcess = new WeakMap<object, Set<string>>();

function holdInProcess(db: object, { orgId, cluster }: HoldOn): OrganizationHold {
  const held = heldInProcess.get(db) ?? new Set();
  heldInProcess.set(db, held);
  const name = `${cluster} ${orgId}`;
  if (held.has(name)) throw new OrganizationBusyError({ orgId, by: 'another call' });
  held.add(name);
  return {
    check: async () => {},
    async [Symbol.asyncDispose]() {
      held.delete(name);
    },
  };
}
