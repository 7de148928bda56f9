import { findSqlState, MigrationFailedError, SQLSTATE } from '@mad/core';
import { DatabaseRefusedError } from '../errors.ts';
import type { DatabaseUrl } from './database-url.ts';

/** The error with its next step where the SQLSTATE tells one, also behind a failed migration; any other error as it is. */
export function explainRefusal({ host, database, user }: DatabaseUrl, error: unknown): unknown {
  const reason = findSqlState(error instanceof MigrationFailedError ? error.cause : error);
  if (!(error instanceof Error) || reason === undefined) return error;
  const nextStep = findNextStep(reason, { host, database, user: user ?? 'this user' });
  return nextStep === undefined
    ? error
    : new DatabaseRefusedError({ message: `${error.message}: ${nextStep}`, reason, cause: error });
}

function findNextStep(
  reason: string,
  { host, database, user }: { host: string; database: string; user: string },
): string | undefined {
  switch (reason) {
    case SQLSTATE.insufficientPrivilege:
      return `connect as the owner of ${database}, or let a superuser grant ${user} what is missing`;
    case SQLSTATE.readOnlyTransaction:
      return `${host} is a standby or read-only: name the primary server in --url`;
    default:
      return undefined;
  }
}
