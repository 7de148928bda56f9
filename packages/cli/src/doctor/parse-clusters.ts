import type { Clusters } from '@mad/tenancy';
import { type DatabaseUrl, parseDatabaseUrl } from '../database/database-url.ts';
import { CommandUsageError } from '../errors.ts';

/** Clusters from texts `name=url`, under the names that `org_databases.cluster` holds. @throws {CommandUsageError} */
export function parseClusters(texts: readonly string[]): Clusters {
  return Object.fromEntries(texts.map(parseCluster));
}

function parseCluster(text: string): [string, Clusters[string]] {
  const at = text.indexOf('=');
  // Without a name the first = may stand in a password.
  if (at < 1 || text.slice(0, at).includes(':'))
    throw new CommandUsageError({
      option: '--cluster',
      expected: 'name=url here or in MAD_CLUSTERS, such as main=postgresql://mad_results@localhost:5432/mad',
      got: text === '' ? 'an empty text' : 'a text that does not begin with a name and =',
    });
  const url = parseDatabaseUrl(text.slice(at + 1), '--cluster');
  return [text.slice(0, at), { kind: 'postgres', connect: (database) => connectionTo(url, database) }];
}

function connectionTo({ connectionString }: DatabaseUrl, database: string | undefined): { connectionString: string } {
  if (database === undefined) return { connectionString };
  const url = new URL(connectionString);
  url.pathname = `/${encodeURIComponent(database)}`;
  return { connectionString: url.href };
}
