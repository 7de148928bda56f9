import { spawnSync } from 'node:child_process';
import { describe } from 'vitest';

const missing = ['vina', 'obabel'].filter((program) => spawnSync(program, ['--help']).error);

/** A describe block that needs the real AutoDock Vina and Open Babel. Where they are not installed it is left out, and says so. */
export function describeWithPrograms(name: string, tests: () => void): void {
  if (missing.length > 0) {
    const reason = `${missing.join(' and ')} is not installed (apt-get install autodock-vina openbabel)`;
    process.stderr.write(`LEFT OUT: "${name}", because ${reason}\n`);
  }
  describe.skipIf(missing.length > 0)(name, tests);
}
