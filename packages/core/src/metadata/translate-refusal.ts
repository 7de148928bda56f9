import { ConflictError, NotFoundError, RowRefusedError } from '../errors.ts';
import { findSqlState, SQLSTATE } from '../postgres/sqlstate.ts';

export interface WriteFacts {
  readonly entity: string;
  readonly id: string;
  /** What to do when the key is taken. */
  readonly hint?: string;
}

// ON DELETE RESTRICT has a state of its own since PostgreSQL 18.
const RESTRICT_VIOLATION = '23001';

const REFUSALS: readonly (string | undefined)[] = [
  SQLSTATE.checkViolation,
  SQLSTATE.foreignKeyViolation,
  SQLSTATE.notNullViolation,
  RESTRICT_VIOLATION,
];

/**
 * Runs one write and turns what the database refuses into typed errors. The transaction is lost either way.
 * @throws {ConflictError} when a unique key is taken.
 * @throws {RowRefusedError} when another rule forbids the row.
 */
export async function translateRefusal<T>(facts: WriteFacts, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const state = findSqlState(cause);
    const { entity, id, hint = 'choose another' } = facts;
    if (state === SQLSTATE.uniqueViolation) throw new ConflictError({ entity, id, hint, cause });
    if (REFUSALS.includes(state)) throw new RowRefusedError({ entity, id, constraint: constraintOf(cause), cause });
    // The only privilege a statement of ours can lack in its role: a policy's WITH CHECK refused the row.
    if (state === SQLSTATE.insufficientPrivilege)
      throw new RowRefusedError({ entity, id, constraint: 'row_level_security', cause });
    throw cause;
  }
}

/** The row, or NotFoundError where there is none; `where` for what belongs to no organization. */
export function found<Row>(row: Row | undefined, { entity, id, where }: WriteFacts & { readonly where?: string }): Row {
  if (row === undefined) throw new NotFoundError({ entity, id, ...(where !== undefined && { where }) });
  return row;
}

function constraintOf(error: unknown): string {
  if (typeof error === 'object' && error !== null && 'constraint' in error && typeof error.constraint === 'string')
    return error.constraint;
  return 'not_null';
}
