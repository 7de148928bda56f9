import { findSqlState, migrationSql, type OrgId, resultsTrack, SQLSTATE } from '@mad/core';
import { type Kysely, sql } from 'kysely';

/** Stands for the schema in statements that are made once. */
const PLACEHOLDER = 'mad_results_placeholder';
/** SQLSTATE `duplicate_schema`. */
const DUPLICATE_SCHEMA = '42P06';

let statements: Promise<string> | undefined;

interface NewResultsSchema {
  readonly schema: string;
  readonly orgId: OrgId;
}

/**
 * Makes a schema with a Results DB of the newest version, stamped, in one transaction that goes to the server as one message: whole or not there. What
 * it writes is what the migrator writes. False when there is a schema of this name, also when another process makes it now.
 */
export async function createResultsSchema(db: Kysely<unknown>, { schema, orgId }: NewResultsSchema): Promise<boolean> {
  statements ??= migrationSql(
    { track: resultsTrack, schema: PLACEHOLDER },
    Object.keys(resultsTrack.migrations).sort(),
  ).then((all) => all.join(';\n'));
  const name = `"${schema.replaceAll('"', '""')}"`;
  const message = [
    'begin',
    // Refuses the second of two makers, whom the first one's transaction holds up.
    `create schema ${name}`,
    (await statements).replaceAll(`"${PLACEHOLDER}"`, () => name),
    `insert into ${name}.results_database (org_id) values ('${orgId.replaceAll("'", "''")}')`,
    'commit',
  ].join(';\n');
  return db.connection().execute(async (connection) => {
    try {
      await sql.raw(message).execute(connection);
      return true;
    } catch (error) {
      await sql`rollback`.execute(connection);
      const state = findSqlState(error);
      if (state === DUPLICATE_SCHEMA || state === SQLSTATE.uniqueViolation) return false;
      throw error;
    }
  });
}
