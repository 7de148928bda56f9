import { DatabaseUnreachableError } from '../errors.ts';
import type { DatabaseUrl } from './database-url.ts';

interface Failure {
  readonly code: string | undefined;
  readonly message: string;
}

/** What kept us from a session with this database, in one sentence with the next step, told from the SQLSTATE or the system's error code. */
export function explainConnectionFailure(url: DatabaseUrl, cause: unknown): DatabaseUnreachableError {
  const failure = readFailure(cause);
  return new DatabaseUnreachableError({ message: explain(url, failure), reason: failure.code, cause });
}

function explain({ host, database, user }: DatabaseUrl, { code, message: reason }: Failure): string {
  switch (code) {
    case 'ECONNREFUSED':
    case 'ENOENT':
      return `nothing answers at ${host}: start the PostgreSQL server, or correct host and port of --url`;
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return `no machine is known as ${host}: correct the host of --url`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
    case 'ETIMEDOUT':
      return `${host} cannot be reached: check the network, or correct host and port of --url`;
    case '3D000':
      return `there is no database ${database} at ${host}: create it (createdb ${database}), or correct the end of --url`;
    case '28P01':
    case '28000':
      return `${host} refused ${user === undefined ? 'to let you in' : `the user ${user}`} (${reason}): correct user and password of --url`;
    case '53300':
    case '57P03':
      return `${host} takes no session at the moment (${reason}): try again later`;
    default:
      return `no session with ${database} at ${host} could be had (${reason}): check --url`;
  }
}

/** Node reports several addresses of one host as an AggregateError, whose own message is empty. */
function readFailure(cause: unknown): Failure {
  if (!(cause instanceof Error)) return { code: undefined, message: String(cause) };
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return { code, message: cause.message || code || cause.name };
}
