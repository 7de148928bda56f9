import { sql } from 'kysely';
import { expect, onTestFinished } from 'vitest';
import type { PostgresPlatform } from '../create-postgres-platform.ts';

/** Where a call stops until it is let on, or the test is over. */
export function createGate() {
  const [opened, reached] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const wait = () => {
    reached.resolve();
    return opened.promise;
  };
  onTestFinished(() => opened.resolve());
  return { open: opened.resolve, reached: reached.promise, wait };
}

/** Cuts the connection by which a call holds the organization, as a server does that has lost sight of it. */
export async function cutHold({ metadata }: Pick<PostgresPlatform, 'metadata'>, orgId: string): Promise<void> {
  const { rows } = await sql`select pg_terminate_backend(pid) from pg_locks
    where locktype = 'advisory' and granted and database = (select oid from pg_database where datname = current_database())
      and ((classid::bigint << 32) | objid::bigint) = hashtextextended(${`mad.organization.main.${orgId}`}, 0)`.execute(
    metadata,
  );
  expect(rows).toHaveLength(1);
}
