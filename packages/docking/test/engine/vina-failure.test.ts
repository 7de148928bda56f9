import { expect, test } from 'vitest';
import { explainVinaFailure } from '../../src/engine/vina-failure.ts';

const ligand = 'ROOT\nATOM      7  O   UNL     1      -1.194   0.718   0.147  0.00  0.00    -0.507 Xx\n';
const end = (facts: object) => ({ exitCode: 1, killedBy: null, stdout: '', stderr: '', ...facts });
const typeError = (line: string) =>
  `\n\nPDBQT parsing error: Atom type Xx is not a valid AutoDock type (atom types are case-sensitive).\n > ${line}\n`;

test.each([
  [
    'ligand with an unknown atom type',
    { stderr: typeError(ligand.split('\n')[1] ?? '') },
    { code: 'MAD_DOCKING_INVALID_LIGAND', retryable: false },
  ],
  [
    'receptor with an unknown atom type',
    { stderr: typeError('ATOM    999  Q') },
    { code: 'MAD_DOCKING_INVALID_RECEPTOR', retryable: false },
  ],
  [
    'receptor that is a ligand',
    { stderr: '\n\nPDBQT parsing error: Unknown or inappropriate tag found in rigid receptor.\n > ROOT\n' },
    { code: 'MAD_DOCKING_INVALID_RECEPTOR', retryable: false },
  ],
  [
    'broken tree',
    { stderr: '\n\nPDBQT parsing error: Unknown or inappropriate tag found in flex residue or ligand.\n > ROOT\n' },
    { code: 'MAD_DOCKING_INVALID_LIGAND', retryable: false },
  ],
  [
    'internal error',
    { stderr: '\nAn internal error occurred in ../tree.h(101).\n' },
    { code: 'MAD_DOCKING_PROGRAM_FAILED', retryable: false },
  ],
  ['kill', { exitCode: null, killedBy: 'SIGKILL' }, { code: 'MAD_DOCKING_PROGRAM_KILLED', retryable: true }],
  ['kill told by a container', { exitCode: 137 }, { code: 'MAD_DOCKING_PROGRAM_KILLED', retryable: true }],
  ['lack of memory', { stderr: 'std::bad_alloc' }, { code: 'MAD_DOCKING_PROGRAM_KILLED', retryable: true }],
  [
    'full disk',
    { stderr: 'Error: could not open "poses.pdbqt" for writing.' },
    { code: 'MAD_DOCKING_PROGRAM_KILLED', retryable: true },
  ],
])('a %s has its class', (_, facts, error) => {
  expect(explainVinaFailure(end(facts), ligand)).toMatchObject(error);
});

test('the message tells the reason without the line of the file', () => {
  const message = explainVinaFailure(end({ stderr: typeError(ligand.split('\n')[1] ?? '') }), ligand)?.message;
  expect(message).toContain('Atom type Xx is not a valid AutoDock type');
  expect(message).not.toContain('-1.194');
});

test('exit 0 is no failure', () => {
  expect(explainVinaFailure(end({ exitCode: 0 }), ligand)).toBeUndefined();
});
