import { startPostgresServer } from './postgres-server.ts';

/** Vitest's global set-up: one PostgreSQL server a run, unless `MAD_TEST_DATABASE_URL` already names one. */
export async function setup(): Promise<() => Promise<void>> {
  if (process.env.MAD_TEST_DATABASE_URL) return async () => {};
  const server = await startPostgresServer();
  process.env.MAD_TEST_DATABASE_URL = server.url();
  return async () => {
    await server[Symbol.asyncDispose]();
  };
}
