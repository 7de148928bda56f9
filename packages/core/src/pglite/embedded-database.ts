import { mkdir } from 'node:fs/promises';
import { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import { Kysely, PGliteDialect } from 'kysely';
import { lock } from 'proper-lockfile';
import { DataFolderInUseError } from '../errors.ts';

/** PostgreSQL inside this process, for one machine and no set-up: both databases of `mad` as schemas of one data folder. */
export interface EmbeddedDatabase extends AsyncDisposable {
  /** One session: never use this handle inside a transaction of itself, it would wait for itself. */
  readonly db: Kysely<unknown>;
}

/**
 * Opens the data folder, made when missing, for this process alone. Survives a killed process; not a power loss.
 * A folder left by a killed process is free again within 10 s, which this call waits for.
 * @throws {DataFolderInUseError}
 */
export async function openEmbeddedDatabase({ folder }: { readonly folder: string }): Promise<EmbeddedDatabase> {
  await mkdir(folder, { recursive: true });
  const unlock = await lock(folder, { stale: 10_000, retries: { retries: 12, minTimeout: 1_000, factor: 1 } }).catch(
    (cause: unknown) => {
      throw new DataFolderInUseError({ folder, cause });
    },
  );
  const db = new Kysely<unknown>({
    dialect: new PGliteDialect({
      pglite: () => PGlite.create({ dataDir: `${folder}/postgres`, extensions: { citext } }),
    }),
  });
  return {
    db,
    async [Symbol.asyncDispose]() {
      await db.destroy();
      await unlock();
    },
  };
}
