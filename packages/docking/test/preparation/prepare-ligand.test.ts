import {
  InvalidLigandError,
  InvalidSmilesError,
  type PreparedLigand,
  parsePdbqtAtoms,
  prepareLigand,
} from '@mad/docking';
import { describeWithPrograms } from '@mad/testkit';
import { beforeAll, expect, test } from 'vitest';
import { inhibitorSmiles } from '../structures.ts';

describeWithPrograms('prepareLigand', () => {
  let inhibitor: PreparedLigand;

  beforeAll(async () => {
    inhibitor = await prepareLigand(inhibitorSmiles);
  });

  test('the inhibitor of 5DT0 becomes one tree of 27 heavy atoms in three dimensions', () => {
    const { pdbqt, canonicalSmiles, heavyAtoms, molfile } = inhibitor;
    expect([canonicalSmiles, heavyAtoms]).toEqual(['Nc1nc(Nc2ccc(S(N)(=O)=O)cc2)nn1C(=O)c1c(F)cccc1F', 27]);
    expect(pdbqt.match(/^ROOT/gm)).toHaveLength(1);
    expect(pdbqt).toMatch(/^TORSDOF 4$/m);
    const atoms = parsePdbqtAtoms(pdbqt);
    expect(atoms.filter(({ element }) => element !== 'H')).toHaveLength(27);
    expect(new Set(atoms.map(({ z }) => z)).size).toBeGreaterThan(20);
    expect(atoms.some(({ charge }) => charge !== 0)).toBe(true);
    expect(molfile).toMatch(/^ 39 41 .*V2000$/m);
  });

  test('a ligand is the same bytes for each spelling, whatever was prepared before', async () => {
    // Within one thread OpenChemLib's conformer of the inhibitor would differ after that of imatinib, whose fragments it remembers.
    await prepareLigand('Cc1ccc(NC(=O)c2ccc(CN3CCN(C)CC3)cc2)cc1Nc1nccc(-c2cccnc2)n1');
    expect(await prepareLigand('Fc1cccc(F)c1C(=O)n1nc(nc1N)Nc1ccc(cc1)S(=O)(=O)N')).toEqual(inhibitor);
  });

  test('the remarks tell which record is which atom of the SMILES', async () => {
    const { pdbqt } = await prepareLigand('OCC#N');
    expect(pdbqt).toMatch(/^REMARK SMILES N#CCO$/m);
    const numbers = /^REMARK SMILES IDX (.*)$/m.exec(pdbqt)?.[1]?.split(' ').map(Number) ?? [];
    const elements = new Map(parsePdbqtAtoms(pdbqt).map(({ serial, element }) => [serial, element]));
    const bySmiles = [1, 2, 3, 4].map((place) =>
      elements.get(numbers[numbers.findIndex((value, at) => at % 2 === 0 && value === place) + 1] ?? 0),
    );
    expect(bySmiles).toEqual(['N', 'C', 'C', 'O']);
    expect(pdbqt).toMatch(/^REMARK H PARENT 4 \d+$/m);
  });

  test('an amino acid is not taken for a residue of a protein', async () => {
    const { pdbqt } = await prepareLigand('N[C@@H](CO)C(=O)O');
    expect(pdbqt).not.toContain('SER');
  });

  test('an element that the force field does not know is refused', async () => {
    const error = await prepareLigand('CB(O)O').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InvalidLigandError);
    expect(error).toMatchObject({ message: expect.stringContaining('MMFF94s force field does not know its B atom') });
  });

  test('a pentavalent carbon is refused', async () => {
    await expect(prepareLigand('CC(C)(C)(C)C')).rejects.toThrow(InvalidSmilesError);
  });

  test('a conformer search that is no longer wanted ends at once', async () => {
    const reason = new Error('canceled');
    const started = performance.now();
    const signal = AbortSignal.any([AbortSignal.timeout(20)]);
    await expect(prepareLigand(inhibitorSmiles, { signal })).rejects.toMatchObject({ name: 'TimeoutError' });
    await expect(prepareLigand(inhibitorSmiles, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
    expect(performance.now() - started).toBeLessThan(1500);
  });

  test('a conformer search past its time is the fault of its ligand: the same search would take as long again', async () => {
    const late = prepareLigand(inhibitorSmiles, { timeoutMs: 50 });
    await expect(late).rejects.toMatchObject({ code: 'MAD_DOCKING_INVALID_LIGAND', retryable: false });
    await expect(late).rejects.toThrow(/did not end within 50 ms; allow more time/);
  });
});
