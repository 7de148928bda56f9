import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { describe } from 'vitest';

const missing = ['vina', 'obabel'].filter((program) => spawnSync(program, ['--help']).error);

/** A describe block that needs the real AutoDock Vina and Open Babel. Where they are not installed it is left out, and says so. */
export function describeWithPrograms(name: string, tests: () => void): void {
  if (missing.length > 0) {
    process.stderr.write(
      `LEFT OUT: "${name}", because ${missing.join(' and ')} is not installed (apt-get install autodock-vina openbabel)\n`,
    );
  }
  describe.skipIf(missing.length > 0)(name, tests);
}

/** True while the process runs; one that has ended and waits for its parent to notice does not. */
export function isRunning(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Names of the living child processes of a process, by the kernel's own list. */
export function listChildren(parent: number): string[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    try {
      const [, name = '', state, ppid] =
        /^\d+ \((.*)\) (\S) (\d+)/.exec(readFileSync(`/proc/${entry}/stat`, 'utf8')) ?? [];
      return Number(ppid) === parent && state !== 'Z' ? [name] : [];
    } catch {
      return [];
    }
  });
}
