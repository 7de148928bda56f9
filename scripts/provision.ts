import { spawnSync } from 'node:child_process';
import { accessSync, constants, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Programs that are not npm's to bring, and the Debian package that brings each. */
const PROGRAMS = { vina: 'autodock-vina', obabel: 'openbabel', 'redis-server': 'redis-server' } as const;

const CONDA: Readonly<Record<keyof typeof PROGRAMS, string>> = {
  vina: 'vina',
  obabel: 'openbabel',
  'redis-server': 'redis-server',
};

export type Program = keyof typeof PROGRAMS;

/** What docking needs: AutoDock Vina and Open Babel. */
const DOCKING: readonly Program[] = ['vina', 'obabel'];

/**
 * Makes programs available where the machine lets it, and returns those that are still missing. Says on stderr what it installs, or what the
 * reader has to install.
 */
export function provisionPrograms(programs: readonly Program[] = DOCKING): readonly Program[] {
  const missing = findMissing(programs);
  if (missing.length === 0) return [];
  const packages = missing.map((program) => PROGRAMS[program]);
  const sudo = findSudo();
  if (!isDebian() || sudo === undefined) {
    const command = isDebian()
      ? `sudo apt-get install ${packages.join(' ')}`
      : `your package manager, or conda-forge: ${missing.map((program) => CONDA[program]).join(' ')}`;
    say(
      `${missing.join(' and ')} not found on PATH. Install what brings ${missing.length > 1 ? 'them' : 'it'} (${command}), then run this again.`,
    );
    return missing;
  }
  say(`${missing.join(' and ')} not found on PATH: installing ${packages.join(' and ')} with apt-get …`);
  // A refused update is no reason to stop: the lists of the last one may do.
  aptGet(sudo, ['update', '-q']);
  const installed = aptGet(sudo, ['install', '-q', '-y', '--no-install-recommends', ...packages]);
  const left = findMissing(programs);
  if (left.length > 0) {
    say(
      `${left.join(' and ')} could not be installed${installed ? '' : ', apt-get failed: its reason stands above'}. Install ${packages.join(' and ')} by hand, then run this again.`,
    );
  }
  return left;
}

function findMissing(programs: readonly Program[]): Program[] {
  return programs.filter((program) => !isOnPath(program));
}

function isOnPath(program: string): boolean {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}

function isDebian(): boolean {
  try {
    return /^(ID|ID_LIKE)=.*\b(debian|ubuntu)\b/m.test(readFileSync('/etc/os-release', 'utf8')) && isOnPath('apt-get');
  } catch {
    return false;
  }
}

/** The words to put before a command to run it as root; undefined where that would need a password. */
function findSudo(): readonly string[] | undefined {
  if (process.getuid?.() === 0) return [];
  const asks = spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0;
  return asks ? undefined : ['sudo', '-n'];
}

function aptGet(sudo: readonly string[], args: readonly string[]): boolean {
  // dpkg refuses to work without the sbin folders, which a short PATH lacks.
  const path = `${process.env.PATH}${delimiter}/usr/local/sbin:/usr/sbin:/sbin`;
  const settings = [
    'env',
    `PATH=${path}`,
    'DEBIAN_FRONTEND=noninteractive',
    'apt-get',
    '-o',
    'DPkg::Lock::Timeout=300',
  ];
  const [program = 'env', ...rest] = [...sudo, ...settings, ...args];
  return spawnSync(program, rest, { stdio: ['ignore', 2, 2], env: { ...process.env, PATH: path } }).status === 0;
}

function say(message: string): void {
  process.stderr.write(`${message}\n`);
}
