// Runs on any Node from 18: installs what the repository needs, then runs `scripts/<name>.ts` under the repository's own Node.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(fileURLToPath(import.meta.url), '..', '..');
const bin = join(root, 'node_modules', '.bin');
const onWindows = process.platform === 'win32';
const [script, ...args] = process.argv.slice(2);

const read = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : undefined);
const { engines, scripts } = JSON.parse(read(join(root, 'package.json')));

function fail(message) {
  process.stderr.write(`${message}\n`);
  process.exit(2);
}

function isAtLeast(version, wanted) {
  const [major, minor] = version.split('.').map(Number);
  const [wantedMajor, wantedMinor = 0] = wanted.split('.').map(Number);
  return major > wantedMajor || (major === wantedMajor && minor >= wantedMinor);
}

function install() {
  // pnpm writes this copy of the lockfile last: when both agree, everything is there already.
  if (read(join(root, 'node_modules/.pnpm/lock.yaml')) === read(join(root, 'pnpm-lock.yaml'))) return;
  process.stderr.write('Installing the packages of this repository …\n');
  const pnpm = ['-y', '--prefer-offline', `pnpm@${engines.pnpm}`, '--config.confirm-modules-purge=false'];
  // Everything to stderr: stdout belongs to the script.
  const { status, error } = spawnSync(onWindows ? 'npx.cmd' : 'npx', [...pnpm, 'install', '--frozen-lockfile'], {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: onWindows,
  });
  if (error)
    fail(`cannot run npx (${error.code}): install npm beside Node ${process.versions.node}, or put it on PATH`);
  if (status !== 0) {
    fail(
      'Installing failed, the reason stands above: check the network, the free disk space and that HOME is writable, then run the same command again',
    );
  }
}

/** The Node that pnpm installed where there is one for this platform, else the caller's own. */
function findNode() {
  const bundled = join(bin, 'node');
  if (existsSync(bundled) && spawnSync(bundled, ['--version']).status === 0) return bundled;
  if (isAtLeast(process.versions.node, '24')) return process.execPath;
  return fail(
    `there is no Node of the repository's own for ${process.platform}-${process.arch}: install Node 24 or newer, this is ${process.versions.node}`,
  );
}

function run(node, file) {
  const child = spawn(node, [file, ...args], {
    stdio: 'inherit',
    env: {
      ...process.env,
      PATH: `${bin}${delimiter}${process.env.PATH}`,
      MAD_CALLED_FROM: process.env.INIT_CWD || process.cwd(),
    },
  });
  // A terminal's Ctrl-C reaches the child by itself; a signal sent to this process alone does not.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => (signal === 'SIGINT' && process.stdin.isTTY ? undefined : child.kill(signal)));
  }
  // npm hands a signal to the shell between us alone, which dies of it in silence: the end of that shell is the signal.
  const shell = process.ppid;
  if (process.env.npm_lifecycle_event) {
    setInterval(() => process.ppid !== shell && child.kill('SIGTERM'), 500).unref();
  }
  child.on('error', (error) => fail(`cannot run ${node} (${error.code})`));
  child.on('exit', (code, signal) => process.exit(signal ? 128 + constants.signals[signal] : code));
}

if (!isAtLeast(process.versions.node, '18'))
  fail(`this repository needs Node 18 or newer to start, this is ${process.versions.node}: install a newer Node`);
const file = join(root, 'scripts', `${script}.ts`);
if (!(scripts[script] || '').startsWith('node scripts/boot.mjs')) {
  const known = Object.keys(scripts).filter((name) => scripts[name].startsWith('node scripts/boot.mjs'));
  fail(`there is no script ${script}: expected one of ${known.join(', ')}`);
}
install();
run(findNode(), file);
