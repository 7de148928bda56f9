import type { MadError } from '@mad/core';
import { InvalidLigandError, InvalidReceptorError, ProgramFailedError, ProgramKilledError } from '../errors.ts';
import type { ProgramEnd } from '../program/run-program.ts';

/** Why Vina did not end well, as the error that tells whether to try again; undefined when it says that it ended well (which proves nothing). */
export function explainVinaFailure(
  { exitCode, killedBy, stderr }: ProgramEnd,
  ligandPdbqt: string,
): MadError | undefined {
  if (exitCode === 0) return undefined;
  // 128 + signal: a shell or container between us and Vina reports a kill in this way.
  if (killedBy !== null || exitCode === null || exitCode > 128)
    return new ProgramKilledError({ program: 'vina', sign: killedBy ?? `exit ${exitCode}` });
  const parsing = /PDBQT parsing error: (.+)\s*(?:>\s?(.*))?/.exec(stderr);
  if (parsing) return explainParsing({ problem: parsing[1] ?? '', quoted: parsing[2] ?? '', ligandPdbqt });
  if (/bad_alloc|[Ii]nsufficient memory/.test(stderr))
    return new ProgramKilledError({ program: 'vina', sign: 'out of memory' });
  if (/No space left|could not open .* for writing/.test(stderr))
    return new ProgramKilledError({ program: 'vina', sign: 'it could not write its output' });
  const reason = /internal error/.test(stderr)
    ? 'an internal error; receptor or ligand may be damaged'
    : firstLine(stderr);
  return new ProgramFailedError({ program: 'vina', exitCode, reason });
}

function explainParsing({
  problem,
  quoted,
  ligandPdbqt,
}: {
  problem: string;
  quoted: string;
  ligandPdbqt: string;
}): MadError {
  const facts = { problem: `Vina cannot read its PDBQT (${problem.trim().replace(/\.$/, '')})` };
  const ofReceptor = /rigid receptor/.test(problem) || (quoted.trim() !== '' && !ligandPdbqt.includes(quoted.trim()));
  return ofReceptor
    ? new InvalidReceptorError({ ...facts, advice: 'prepare the receptor again from its PDB file' })
    : new InvalidLigandError({ ...facts, advice: 'prepare the ligand again from its SMILES' });
}

function firstLine(stderr: string): string {
  const line = stderr.split('\n').find((candidate) => candidate.trim() !== '' && !candidate.startsWith('WARNING'));
  return line?.trim().slice(0, 200) ?? 'it said nothing';
}
