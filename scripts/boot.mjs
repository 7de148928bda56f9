// Runs on any Node from 18: installs what the repository needs, then runs `scripts/<name>.ts` under the repository's own Node.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const [script, ...args] = process.argv.slice(2);
const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);

// pnpm writes this copy of the lockfile last: when both agree, everything is there already.
if (read(join(root, 'node_modules/.pnpm/lock.yaml')) !== read(join(root, 'pnpm-lock.yaml'))) {
  const npx = process.platform === 'win32' ? 'npx.cmd' : 'npx';
  const install = spawnSync(npx, ['-y', 'pnpm@12.21.0', 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (install.status !== 0) process.exit(install.status ?? 1);
}

const bin = join(root, 'node_modules/.bin');
const bundled = join(bin, 'node');
const node = existsSync(bundled) ? bundled : process.execPath;
const run = spawnSync(node, [join(root, `scripts/${script}.ts`), ...args], {
  stdio: 'inherit',
  env: { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}`, MAD_CALLED_FROM: process.cwd() },
});
process.exit(run.status ?? 1);
