/** SQLSTATE codes this library acts on; see PostgreSQL's appendix "PostgreSQL Error Codes". */
export const SQLSTATE = {
  uniqueViolation: '23505',
  foreignKeyViolation: '23503',
  checkViolation: '23514',
  notNullViolation: '23502',
  insufficientPrivilege: '42501',
  duplicateObject: '42710',
  undefinedTable: '42P01',
  lockNotAvailable: '55P03',
  serializationFailure: '40001',
  readOnlyTransaction: '25006',
  tooManyConnections: '53300',
} as const;

/** Five digits and capitals, as `EPERM` and `EPIPE` are too: each of PostgreSQL's has a digit, and none begins with E. */
const FORM = /^(?=.*\d)[0-9A-DF-Z][0-9A-Z]{4}$/;

/** The SQLSTATE of a database error, from `pg` and PGlite alike; undefined for anything else. */
export function findSqlState(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null || !('code' in error)) return undefined;
  return typeof error.code === 'string' && FORM.test(error.code) ? error.code : undefined;
}
