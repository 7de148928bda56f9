import { CommandUsageError } from '../errors.ts';

/** Where a database is. Only `connectionString` holds the password. */
export interface DatabaseUrl {
  readonly connectionString: string;
  readonly host: string;
  readonly database: string;
  readonly user: string | undefined;
}

/** Parses `postgresql://user:password@host:port/database`; a host may be the folder of a unix socket. @throws {CommandUsageError} */
export function parseDatabaseUrl(text: string | undefined, option: UrlOption = '--url'): DatabaseUrl {
  const invalid = (got: string) => refuse(option, got);
  if (text === undefined) throw invalid('none');
  if (text.trim() === '') throw invalid('an empty text');
  if (!URL.canParse(text)) throw invalid('something that is no URL');
  const url = new URL(text);
  const decode = (part: string): string => {
    try {
      return decodeURIComponent(part);
    } catch {
      throw invalid('a % that begins no escape (a literal one is %25)');
    }
  };
  if (!/^postgres(ql)?:$/.test(url.protocol)) throw invalid('a URL of something else');
  // Read as a URL, the rest of a password with a slash in it would be the database's name, which messages show.
  if (url.pathname.includes('@'))
    throw invalid('a database name with an at sign (as a part of it %40; a / in a password is %2F)');
  const database = decode(url.pathname.slice(1));
  if (database === '') throw invalid('no database name after the host');
  return {
    connectionString: text,
    host: decode(url.searchParams.get('host') ?? url.hostname) + (url.port && `:${url.port}`) || 'localhost',
    database,
    user: decode(url.username) || undefined,
  };
}

const EXPECTED = {
  '--url': 'a URL of PostgreSQL here or in MAD_DATABASE_URL, such as postgresql://mad@localhost:5432/mad',
  '--cluster': 'name=url with a URL of PostgreSQL, such as main=postgresql://mad_results@localhost:5432/mad',
};

/** The options that take a URL. */
export type UrlOption = keyof typeof EXPECTED;

function refuse(option: UrlOption, got: string): CommandUsageError {
  return new CommandUsageError({ option, expected: EXPECTED[option], got });
}

/**
 * The text with the password of the URL in it starred out, whatever its scheme: all from the colon behind the user to the last @, as a password not
 * yet escaped may hold anything.
 */
export function hidePasswords(text: string): string {
  return text.replaceAll(/(:\/\/[^:]*:)[\s\S]*@/g, '$1***@').replaceAll(/(password=)[^&]*/gi, '$1***');
}
