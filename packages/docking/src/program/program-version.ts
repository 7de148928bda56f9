import { tmpdir } from 'node:os';
import { ProgramFailedError } from '../errors.ts';
import { withRdkit } from '../molecule/rdkit.ts';
import { runProgram } from './run-program.ts';

/** The installed AutoDock Vina, such as `AutoDock Vina v1.2.3`. @throws {ProgramMissingError} */
export function getVinaVersion(): Promise<string> {
  return readVersion({ program: 'vina', args: ['--version'], pattern: /AutoDock Vina v?\S+/ });
}

/** The installed Open Babel, such as `Open Babel 3.1.1`. @throws {ProgramMissingError} */
export function getOpenBabelVersion(): Promise<string> {
  return readVersion({ program: 'obabel', args: ['-V'], pattern: /Open Babel \S+/ });
}

/** The programs that `prepareLigand` uses, in their order, such as `RDKit 2026.09.1, OpenChemLib 9.25.0, Open Babel 3.1.1`. @throws {ProgramMissingError} */
export async function getLigandPreparationVersion(): Promise<string> {
  const [rdkit, openChemLib, openBabel] = await Promise.all([
    withRdkit((module) => module.version()),
    import('openchemlib'),
    getOpenBabelVersion(),
  ]);
  return `RDKit ${rdkit}, OpenChemLib ${openChemLib.version}, ${openBabel}`;
}

async function readVersion({
  program,
  args,
  pattern,
}: {
  program: string;
  args: string[];
  pattern: RegExp;
}): Promise<string> {
  const { stdout, stderr, exitCode } = await runProgram({ program, args, cwd: tmpdir(), timeoutMs: 20_000 });
  const version = pattern.exec(stdout + stderr)?.[0];
  if (!version)
    throw new ProgramFailedError({
      program,
      exitCode,
      reason: 'it does not tell its version; another program of this name may be first on the PATH',
    });
  return version;
}
