import { Kysely, PostgresDialect } from 'kysely';
import { Pool, type PoolConfig } from 'pg';
import { type Logger, silentLogger } from '../logger.ts';

/**
 * A Kysely on a pool of its own whose lost connections are logged and replaced. A bare `pg.Pool` ends the process when the server closes a
 * connection that nobody is using, or one that is lent at that moment. `destroy()` closes the pool.
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
  return new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) });
}
