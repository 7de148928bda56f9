import { type Kysely, sql } from 'kysely';
import { MetadataRoleError } from '../errors.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';

// What set_config says of a role that does not exist.
const INVALID_PARAMETER_VALUE = '22023';

/** What makes the tables and the roles. */
export const MIGRATE =
  'run the metadata migrations on this database: mad migrate metadata --url, with the login that is to own it';

/** The error for a login that could not take `role`; any other failure comes back as it was. */
export async function explainRoleFailure<Tables>(
  db: Kysely<Tables>,
  { role, cause }: { role: string; cause: unknown },
): Promise<unknown> {
  const state = findSqlState(cause);
  if (state === INVALID_PARAMETER_VALUE) {
    return new MetadataRoleError({
      problem: `the role ${role} does not exist`,
      remedy: MIGRATE,
      cause,
    });
  }
  if (state !== SQLSTATE.insufficientPrivilege) return cause;
  const { rows } = await sql<{ login: string }>`select quote_ident(current_user) as login`.execute(db);
  const login = rows[0]?.login ?? 'this login';
  return new MetadataRoleError({
    problem: `${login} may not act as ${role}`,
    remedy: `let a superuser, or whoever ran the migrations, run: GRANT mad_organization, mad_operator TO ${login}`,
    cause,
  });
}
