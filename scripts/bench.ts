import { join } from 'node:path';
import { provisionPrograms } from './provision.ts';
import { root } from './repository.ts';
import { runProgram } from './run-program.ts';

/** Every bench by its name, and what it needs that npm does not bring. */
const BENCHES = {
  durable: { file: 'bench/durable/main.ts', programs: ['redis-server'] },
  tasks: { file: 'bench/tasks/main.ts', programs: [] },
  cache: { file: 'bench/cache/main.ts', programs: [] },
} as const;

// `npm run bench -- durable …`: one bench. Exits 1 where a goal is missed, 2 where it cannot run.
const [name = '', ...args] = process.argv.slice(2);
const bench = Object.entries(BENCHES).find(([known]) => known === name)?.[1];
if (!bench) {
  console.error(`there is no bench ${name}: expected one of ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  process.exitCode =
    provisionPrograms(bench.programs).length > 0
      ? 2
      : await runProgram(process.execPath, { args: ['--no-deprecation', join(root, bench.file), ...args] });
}
