import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgresServer } from './postgres-server.ts';

/**
 * Vitest's global set-up: one PostgreSQL server a run, unless `MAD_TEST_DATABASE_URL` already names one, and one folder of PGlite templates. The
 * processes that tests start keep their compiled modules for each other and for the next run.
 */
export async function setup(): Promise<() => Promise<void>> {
  await using started = new AsyncDisposableStack();
  process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), `mad-compiled-${process.getuid?.() ?? 0}`);
  if (!process.env.MAD_TEST_PGLITE_FOLDER) {
    const folder = await mkdtemp(join(tmpdir(), 'mad-pglite-'));
    started.defer(() => rm(folder, { recursive: true }));
    process.env.MAD_TEST_PGLITE_FOLDER = folder;
  }
  if (!process.env.MAD_TEST_DATABASE_URL) {
    const server = started.use(await startPostgresServer());
    process.env.MAD_TEST_DATABASE_URL = server.url();
  }
  const running = started.move();
  return () => running.disposeAsync();
}
