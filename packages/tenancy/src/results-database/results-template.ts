import { createHash } from 'node:crypto';
import { findSqlState, type Logger, migrateResults, migrationSql, resultsTrack, SQLSTATE } from '@mad/core';
import { type Kysely, sql } from 'kysely';
import type { ClusterSession } from './cluster-session.ts';
import { inClusterDatabase } from './in-cluster-database.ts';
import { isHalfDropped } from './is-half-dropped.ts';

/** The newest version of a Results DB: the name of its last migration. */
export const RESULTS_VERSION = Object.keys(resultsTrack.migrations).sort().at(-1) ?? '';

/** What a template's comment begins with; the version follows. */
const COMMENT = 'mad results database ';

/** SQLSTATE `duplicate_database`. */
const DUPLICATE_DATABASE = '42P04';
/** SQLSTATE `invalid_catalog_name`: there is no such database. */
const DATABASE_MISSING = '3D000';
/** SQLSTATE `object_in_use`. */
const OBJECT_IN_USE = '55006';

let digest: Promise<string> | undefined;

/** SHA-256 of all that makes a new Results DB: two of one digest are equal. */
export function resultsDigest(): Promise<string> {
  digest ??= migrationSql({ track: resultsTrack }, Object.keys(resultsTrack.migrations).sort()).then((statements) =>
    createHash('sha256').update(statements.join(';\n')).digest('hex'),
  );
  return digest;
}

interface DatabaseToClone {
  readonly name: string;
  readonly logger: Logger;
  /** What `findTemplate` has found on this session. */
  readonly found?: Promise<FoundTemplate> | undefined;
}

/**
 * Makes a database as a copy of the template, at the newest version and without a stamp. False when there is one of this name, also when another process
 * makes it now.
 */
export async function cloneResultsDatabase(
  session: ClusterSession,
  { name, logger, found }: DatabaseToClone,
): Promise<boolean> {
  const { db } = session;
  for (let attempt = 1; ; attempt++) {
    const template = await ((attempt === 1 && found) || findTemplate(db));
    if (!template.isThere) await makeTemplate(session, { ...template, logger });
    try {
      // Written to the log page by page where the server can: it is the default, and copying files asks for two checkpoints.
      await sql`create database ${sql.id(name)} template ${sql.id(template.name)}`.execute(db);
      return true;
    } catch (error) {
      const isInTheWay = isDuplicate(error) && (await isHalfDropped(db, name));
      if (isInTheWay) await sql`drop database if exists ${sql.id(name)} with (force)`.execute(db);
      else if (isDuplicate(error)) return false;
      // A newer version of this library took the template away since it was looked for.
      else if (findSqlState(error) !== DATABASE_MISSING || attempt === 3) throw error;
    }
  }
}

/** Gives a database its organization's name. False when there is none of the old name, or one of the new name already. */
export async function renameDatabase(
  db: Kysely<unknown>,
  { from, to }: { readonly from: string; readonly to: string },
): Promise<boolean> {
  try {
    await sql`alter database ${sql.id(from)} rename to ${sql.id(to)}`.execute(db);
    return true;
  } catch (error) {
    if (isDuplicate(error) || findSqlState(error) === DATABASE_MISSING) return false;
    throw error;
  }
}

// The other process's commit can meet ours at the catalog's unique index too.
function isDuplicate(error: unknown): boolean {
  const state = findSqlState(error);
  return state === DUPLICATE_DATABASE || state === SQLSTATE.uniqueViolation;
}

export interface FoundTemplate {
  readonly name: string;
  readonly isThere: boolean;
  /** Where it is filled. */
  readonly draft: string;
}

/**
 * One for each login: the tables of a copy belong to whom they belong to in the template. Drafts are each default database's own, as the lock is which
 * their makers hold.
 */
export async function findTemplate(db: Kysely<unknown>): Promise<FoundTemplate> {
  const { rows } = await sql<FoundTemplate>`
    select 'mad_template_' || md5(made) as name, 'mad_draft_' || md5(made || current_database()) as draft,
      exists (select from pg_database where datname = 'mad_template_' || md5(made) and datconnlimit <> -2) as "isThere"
    from (select ${await resultsDigest()}::text || current_user as made) as template`.execute(db);
  const [template] = rows;
  return template ?? { name: '', isThere: false, draft: '' };
}

interface TemplateToMake extends FoundTemplate {
  readonly logger: Logger;
}

/**
 * Fills a draft, closes it to connections, and only then gives it the template's name: what has the name is whole, however its maker ends. Others who
 * want it wait.
 */
async function makeTemplate(
  { name: clusterName, cluster, db }: ClusterSession,
  { name, draft, logger }: TemplateToMake,
): Promise<void> {
  const lock = sql`hashtextextended(${draft}, 0)`;
  await sql`select pg_advisory_lock(${lock})`.execute(db);
  try {
    if ((await findTemplate(db)).isThere) return;
    await dropTemplate(db, draft);
    if (await isHalfDropped(db, name)) await dropTemplate(db, name);
    await sql`create database ${sql.id(draft)}`.execute(db);
    await inClusterDatabase({ cluster, name: clusterName, database: draft, logger }, (filled) =>
      migrateResults(filled),
    );
    await sql`comment on database ${sql.id(draft)} is ${sql.lit(`${COMMENT}${RESULTS_VERSION}`)}`.execute(db);
    await sql`alter database ${sql.id(draft)} with allow_connections false is_template true`.execute(db);
    // Another default database's maker may have been first.
    if (!(await renameDatabase(db, { from: draft, to: name }))) await dropTemplate(db, draft);
    await dropOutdated(db, name);
  } finally {
    await sql`select pg_advisory_unlock(${lock})`.execute(db);
  }
}

/** Those of versions before this one. A process of an older version may still run beside: it makes its own again, and both stay. */
async function dropOutdated(db: Kysely<unknown>, current: string): Promise<void> {
  const { rows } = await sql<{ name: string }>`select datname as name from pg_database
    where datname like 'mad\_template\_%' and datdba = current_user::regrole and datname <> ${current}
      and shobj_description(oid, 'pg_database') like ${`${COMMENT}%`}
      and substr(shobj_description(oid, 'pg_database'), ${COMMENT.length + 1}::int) <= ${RESULTS_VERSION} collate "C"`.execute(
    db,
  );
  for (const { name } of rows) {
    try {
      await dropTemplate(db, name);
    } catch (error) {
      // Copied at this moment: the next template's maker sees to it.
      if (findSqlState(error) !== OBJECT_IN_USE) throw error;
    }
  }
}

async function dropTemplate(db: Kysely<unknown>, name: string): Promise<void> {
  try {
    // Who alters one of which a server died while it dropped it loses the connection.
    if (!(await isHalfDropped(db, name))) await sql`alter database ${sql.id(name)} with is_template false`.execute(db);
  } catch (error) {
    if (findSqlState(error) === DATABASE_MISSING) return;
    throw error;
  }
  await sql`drop database if exists ${sql.id(name)} with (force)`.execute(db);
}
