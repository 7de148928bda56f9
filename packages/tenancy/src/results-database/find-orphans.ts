import { inAllOrganizations, type Logger, type MetadataDatabase, type OrgId, silentLogger } from '@mad/core';
import { sql } from 'kysely';
import type { Clusters } from './cluster.ts';
import { type ClusterSession, openClusterSession } from './cluster-session.ts';
import { placeResultsDatabase } from './results-database-place.ts';

/** Where the Metadata DB and a cluster do not agree. */
export interface Orphan {
  /**
   * `database_unknown`, `schema_unknown`: made by this library under this login, and no row knows it. `draft_left`: a template whose maker was killed; the
   * next maker replaces it. `database_missing`, `schema_missing`: the row says that it is ready, and it is not there, or only what a server left
   * that died while it dropped it.
   */
  readonly kind: 'database_unknown' | 'schema_unknown' | 'draft_left' | 'database_missing' | 'schema_missing';
  readonly cluster: string;
  /** Of the database or schema. */
  readonly name: string;
  /** Whose row it is; null where no row knows it. */
  readonly orgId: OrgId | null;
}

/** Where to look. */
export interface FindOrphans {
  readonly metadata: MetadataDatabase;
  readonly clusters: Clusters;
  /** @default silentLogger */
  readonly logger?: Logger | undefined;
}

/** A database or a schema of one of our names. */
interface Named {
  readonly kind: 'database' | 'schema' | 'draft';
  readonly name: string;
}

interface Made extends Named {
  /** This login made it. */
  readonly isOurs: boolean;
  /** What a server left that died while it dropped it: nobody can connect to it. */
  readonly isHalfDropped: boolean;
}

interface Known extends Named {
  readonly orgId: OrgId | null;
  /** False: it may not be there yet, or not any more. */
  readonly isNeeded: boolean;
}

/**
 * Compares what is on the clusters with what the Metadata DB knows, and changes nothing. What is made or dropped meanwhile is not found, it is in the
 * order of clusters and names. Databases of another platform on the same server are found too where it uses the same login: look before you drop.
 * @throws {ResultsDatabaseUnreachableError}
 */
export async function findOrphans({
  metadata,
  clusters,
  logger = silentLogger,
}: FindOrphans): Promise<readonly Orphan[]> {
  const found: Orphan[] = [];
  for (const cluster of Object.keys(clusters).sort()) {
    await using session = await openClusterSession({ clusters, cluster, logger });
    found.push(...(await compare({ metadata, cluster, session })));
  }
  return found;
}

interface Compare {
  readonly metadata: MetadataDatabase;
  readonly cluster: string;
  readonly session: ClusterSession;
}

/** Looks at the cluster before and after the rows: a row is written before what it names is made, and goes after it. */
async function compare({ metadata, cluster, session }: Compare): Promise<readonly Orphan[]> {
  const keyOf = ({ kind, name }: Named): string => `${kind} ${name}`;
  const before = new Map((await listMade(session)).map((made) => [keyOf(made), made]));
  const known = new Map((await listKnown(metadata, cluster)).map((row) => [keyOf(row), row]));
  const after = new Map((await listMade(session)).map((made) => [keyOf(made), made]));
  const isWhole = (made: Made | undefined) => made?.isHalfDropped === false;
  const unknown = [...before].flatMap(([key, { kind, name, isOurs }]): Orphan[] => {
    if (!isOurs || known.has(key) || !after.has(key)) return [];
    return [{ kind: kind === 'draft' ? 'draft_left' : `${kind}_unknown`, cluster, name, orgId: null }];
  });
  const missing = [...known].flatMap(([key, { kind, name, orgId, isNeeded }]): Orphan[] => {
    if (!isNeeded || kind === 'draft' || isWhole(before.get(key)) || isWhole(after.get(key))) return [];
    return [{ kind: `${kind}_missing`, cluster, name, orgId }];
  });
  return [...unknown, ...missing];
}

async function listKnown(metadata: MetadataDatabase, cluster: string): Promise<readonly Known[]> {
  return inAllOrganizations(metadata, async (tx) => {
    const rows = await tx
      .selectFrom('org_databases')
      .selectAll()
      .where('state', '<>', 'deleted')
      .where((eb) => eb.or([eb('cluster', '=', cluster), eb('other_cluster', '=', cluster)]))
      .execute();
    const warm = await tx.selectFrom('warm_databases').selectAll().where('cluster', '=', cluster).execute();
    return [
      // First what may be there, so that what has to be stands where both have one name.
      ...rows
        .filter((row) => row.other_cluster === cluster)
        .map((row) => toKnown({ ...row, database: row.other_database_name, schema: row.other_schema_name })),
      ...rows
        .filter((row) => row.cluster === cluster)
        .map((row) => ({
          ...toKnown({ ...row, database: row.database_name, schema: row.schema_name }),
          isNeeded: row.state === 'ready' || row.state === 'migrating' || row.state === 'moving',
        })),
      ...warm.map(({ org_id, state }) => {
        const { database = '' } = placeResultsDatabase({ orgId: org_id, placement: 'database', cluster });
        return { kind: 'database' as const, name: database, orgId: null, isNeeded: state === 'ready' };
      }),
    ];
  });
}

interface KnownPlace {
  readonly org_id: OrgId;
  readonly database: string | null;
  readonly schema: string | null;
}

const toKnown = ({ org_id: orgId, database, schema }: KnownPlace): Known => ({
  kind: database === null ? 'schema' : 'database',
  name: database ?? schema ?? '',
  orgId,
  isNeeded: false,
});

/** Databases, drafts that nobody works on, and schemas of the cluster's default database. */
async function listMade({ db }: ClusterSession): Promise<readonly Made[]> {
  const { rows } = await sql<Made>`
    select 'database' as kind, datname as name, datdba = current_user::regrole as "isOurs", datconnlimit = -2 as "isHalfDropped" from pg_database
    where datname ~ '^mad_results_[0-9a-f]{32}$'
    union all
    select 'draft', datname, datdba = current_user::regrole, datconnlimit = -2 from pg_database
    where datname ~ '^mad_draft_[0-9a-f]{32}$'
      and not exists (select from pg_stat_activity where pg_stat_activity.datname = pg_database.datname)
    union all
    select 'schema', nspname, nspowner = current_user::regrole, false from pg_namespace
    where nspname ~ '^mad_results_[0-9a-f]{32}$'
    order by 1, 2`.execute(db);
  return rows;
}
