import { CommandUsageError } from '../errors.ts';

/** Where a database is. Only `connectionString` holds the password. */
export interface DatabaseUrl {
  readonly connectionString: string;
  readonly host: string;
  readonly database: string;
  readonly user: string | undefined;
}

/** Parses `postgresql://user:password@host:port/database`; a host may be the folder of a unix socket. @throws {CommandUsageError} */
export function parseDatabaseUrl(text: string | undefined): DatabaseUrl {
  if (!text) throw invalid('neither');
  if (!URL.canParse(text)) throw invalid('something that is no URL');
  const url = new URL(text);
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw invalid(url.protocol);
  const database = decode(url.pathname.slice(1));
  if (database === '') throw invalid('no database name after the host');
  return {
    connectionString: text,
    host: decode(url.searchParams.get('host') ?? url.hostname) + (url.port && `:${url.port}`) || 'localhost',
    database,
    user: decode(url.username) || undefined,
  };
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    throw invalid('a % that begins no escape (a literal one is %25)');
  }
}

function invalid(got: string): CommandUsageError {
  const expected = 'a URL of PostgreSQL here or in MAD_DATABASE_URL, such as postgresql://mad@localhost:5432/mad';
  return new CommandUsageError({ option: '--url', expected, got });
}

/** The text with the password of every URL in it starred out. */
export function hidePasswords(text: string): string {
  return text
    .replaceAll(/(postgres(?:ql)?:\/\/[^\s:/@]*:)\S*@/gi, '$1***@')
    .replaceAll(/([?&]password=)[^&\s'"]*/gi, '$1***');
}
