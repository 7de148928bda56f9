import { join } from 'node:path';
import { checkPackages } from './check-packages.ts';
import { checkReadme } from './check-readme.ts';
import { root } from './repository.ts';
import { runProgram } from './run-program.ts';

export interface Stage {
  readonly name: string;
  /** Prints what it finds and resolves to whether all is well. */
  readonly run: () => Promise<boolean>;
}

/** Everything that must hold besides the tests, the quick ones first. */
export const stages: readonly Stage[] = [
  {
    name: 'lint and format',
    run: () => runTool('@biomejs/biome/bin/biome', ['check', '--error-on-warnings', '--diagnostic-level=warn', '.']),
  },
  { name: 'types', run: () => runTool('typescript/bin/tsc', ['--noEmit', '-p', 'tsconfig.json']) },
  { name: 'code in README and docs', run: async () => report(await checkReadme()) },
  { name: 'packages as published', run: async () => report(await checkPackages()) },
];

/** Runs one stage under a heading; whatever it throws is a failure of this stage alone. */
export async function runStage({ name, run }: Stage): Promise<boolean> {
  console.log(`\n== ${name}`);
  const started = performance.now();
  const passed = await run().catch((error: unknown) => report([String(error instanceof Error ? error.stack : error)]));
  console.log(`${passed ? 'passed' : 'FAILED'} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
  return passed;
}

/** Runs a program of the repository's own node_modules, in its root. */
export async function runTool(path: string, args: readonly string[]): Promise<boolean> {
  const code = await runProgram(process.execPath, { args: [join(root, 'node_modules', path), ...args], cwd: root });
  return code === 0;
}

function report(problems: readonly string[]): boolean {
  for (const problem of problems) console.error(problem);
  return problems.length === 0;
}
