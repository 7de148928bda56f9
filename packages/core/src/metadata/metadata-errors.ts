import { type Kysely, sql } from 'kysely';
import { MadError } from '../errors.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';

/** Thrown when the login of the Metadata DB may not do what its transactions need, or may do more than it should. The message names the SQL to run. */
export class MetadataRoleError extends MadError {
  static override readonly code = 'MAD_CORE_METADATA_ROLE';
  constructor({ problem, remedy, cause }: { problem: string; remedy: string; cause?: unknown }) {
    super({ message: `${problem}; ${remedy}`, cause });
  }
}

/** Thrown when a repository is given a transaction that `inOrganization` did not open. */
export class OrganizationUnknownError extends MadError {
  static override readonly code = 'MAD_CORE_ORGANIZATION_UNKNOWN';
  constructor() {
    super({
      message:
        'this transaction carries no organization; pass the one that inOrganization hands to its callback, unchanged',
    });
  }
}

/** Thrown when a key, check or trigger of the Metadata DB refuses a row. `constraint` names the rule; it is listed in the reference of the Metadata DB. */
export class RowRefusedError extends MadError {
  static override readonly code = 'MAD_CORE_ROW_REFUSED';
  readonly constraint: string;
  constructor({ entity, id, constraint, cause }: { entity: string; id: string; constraint: string; cause: unknown }) {
    const reason = cause instanceof Error ? cause.message : 'refused by the database';
    super({
      message: `${entity} ${id} was not written: ${reason} (${constraint})`,
      details: { entity, id, constraint },
      cause,
    });
    this.constraint = constraint;
  }
}

// What set_config says of a role that does not exist.
const INVALID_PARAMETER_VALUE = '22023';

/** The error for a login that could not take `role`; any other failure comes back as it was. */
export async function explainRoleFailure<Tables>(
  db: Kysely<Tables>,
  { role, cause }: { role: string; cause: unknown },
): Promise<unknown> {
  const state = findSqlState(cause);
  if (state === INVALID_PARAMETER_VALUE) {
    return new MetadataRoleError({
      problem: `the role ${role} does not exist`,
      remedy: 'run the metadata migrations',
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
