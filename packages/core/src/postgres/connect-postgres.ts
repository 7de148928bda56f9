import { Kysely, PostgresDialect, type PostgresPoolClient } from 'kysely';
import { Pool, type PoolClient, type PoolConfig } from 'pg';
import { type Logger, silentLogger } from '../logger.ts';
import { sendQuery } from './prepared-statements.ts';

/**
 * A Kysely on a pool of its own whose lost connections are logged and replaced, and whose frequent statements are prepared. A bare `pg.Pool` ends
 * the process when the server closes a connection that nobody is using, or one that is lent at that moment. `destroy()` closes the pool.
 */
export function connectPostgres(
  config: PoolConfig,
  { logger = silentLogger }: { readonly logger?: Logger | undefined } = {},
): Kysely<unknown> {
  const pool = new Pool(config);
  const onLoss = (error: Error) =>
    logger.warn({ err: error }, 'a connection to PostgreSQL was lost; the next query opens another');
  pool.on('error', onLoss);
  pool.on('connect', (client) => void client.on('error', onLoss));
  const loans = new WeakMap<PoolClient, PostgresPoolClient>();
  return new Kysely<unknown>({
    dialect: new PostgresDialect({
      pool: {
        options: pool.options,
        end: () => pool.end(),
        async connect() {
          const client = await pool.connect();
          const loan = loans.get(client) ?? lend(client);
          loans.set(client, loan);
          return loan;
        },
      },
    }),
  });
}

function lend(client: PoolClient): PostgresPoolClient {
  return {
    // Cursors, the other overload, are asked for only with a cursor class, which is not passed.
    query: ((text: string, values: readonly unknown[]) =>
      sendQuery(client, text, values)) as unknown as PostgresPoolClient['query'],
    release: (destroy?: boolean) => client.release(destroy),
  };
}
