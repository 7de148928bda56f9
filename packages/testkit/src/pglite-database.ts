import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { citext } from '@electric-sql/pglite/contrib/citext';
import { Kysely, PGliteDialect } from 'kysely';
import type { DatabaseTemplate } from './database-template.ts';

const extensions = { citext };

/** A PGlite in memory, with citext: empty, or as its template fills it. It starts with the first query. Disposing frees it. */
export function createPgliteDatabase<Tables = unknown>(
  template?: DatabaseTemplate<Tables>,
): AsyncDisposable & { readonly db: Kysely<Tables> } {
  const db = open<Tables>(() => (template ? startFilled(template) : startEmpty()));
  return { db, [Symbol.asyncDispose]: () => db.destroy() };
}

function startEmpty(): Promise<PGlite> {
  return start('empty', () => PGlite.create({ extensions }));
}

function startFilled<Tables>({ name, fill }: DatabaseTemplate<Tables>): Promise<PGlite> {
  return start(name, async () => {
    const pglite = await startEmpty();
    await fill(open<Tables>(() => pglite));
    return pglite;
  });
}

/** Starts from the files that the first one of this name in this run left: setting a new one up takes five times as long (3.5 s, not 0.7 s). */
async function start(name: string, make: () => Promise<PGlite>): Promise<PGlite> {
  const folder = process.env.MAD_TEST_PGLITE_FOLDER;
  if (!folder) return make();
  const file = join(folder, `${name}.tar`);
  const files = await readFile(file).catch(() => undefined);
  if (files) return PGlite.create({ extensions, loadDataDir: new Blob([files]) });
  const pglite = await make();
  // Two workers may make one at once: each renames a whole file, and both mean the same.
  const draft = `${file}.${randomBytes(6).toString('hex')}`;
  const dump = await pglite.dumpDataDir('none');
  await writeFile(draft, dump.stream());
  await rename(draft, file);
  return pglite;
}

function open<Tables>(pglite: () => PGlite | Promise<PGlite>): Kysely<Tables> {
  return new Kysely<Tables>({ dialect: new PGliteDialect({ pglite }) });
}
