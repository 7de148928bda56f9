import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { InvalidReceptorError, parsePdbqtAtoms, prepareReceptor } from '@mad/docking';
import { describeWithPrograms } from '@mad/testkit';
import { expect, onTestFinished, test, vi } from 'vitest';
import { auroraA } from '../structures.ts';

const zinc = 'HETATM 9001 ZN    ZN A 900      -2.000 -30.000   5.000  1.00 20.00          ZN\n';

describeWithPrograms('prepareReceptor', () => {
  test('a crystal structure becomes a rigid receptor, the same bytes each time', async () => {
    const first = await prepareReceptor(auroraA);
    const second = await prepareReceptor(auroraA.replaceAll('\n', '\r\n'));
    expect(second).toEqual(first);
    expect(first).toMatchObject({ atoms: 2583, removedResidues: ['SKE', 'HOH'] });
    expect(first.pdbqt).not.toMatch(/^(ROOT|BRANCH|MODEL)/m);
    expect(first.pdbqt).not.toMatch(/nan/i);
  });

  test('every heavy atom keeps its place, one location each', async () => {
    const { pdbqt } = await prepareReceptor(auroraA);
    // 2131 ATOM records, of which 11 are second locations.
    expect(parsePdbqtAtoms(pdbqt).filter(({ element }) => element !== 'H')).toHaveLength(2120);
  });

  test('hydrogens of the file are replaced', async () => {
    const hydrogen = 'ATOM   9000  HA  GLN A 127       1.469 -18.555  25.204  1.00 20.00           H\n';
    expect((await prepareReceptor(hydrogen + auroraA)).pdbqt).toBe((await prepareReceptor(auroraA)).pdbqt);
  });

  test('a metal is left out and told, or kept when named', async () => {
    const pdb = auroraA.replace(/^HETATM/m, `${zinc}HETATM`);
    expect((await prepareReceptor(pdb)).removedResidues).toEqual(['ZN', 'SKE', 'HOH']);
    const kept = await prepareReceptor(pdb, { keepResidues: ['ZN'] });
    expect(parsePdbqtAtoms(kept.pdbqt).at(-1)).toMatchObject({ type: 'Zn', x: -2, y: -30, z: 5, charge: 0 });
  });

  test('selenomethionine counts as the methionine that it stands for', async () => {
    const pdb = auroraA
      .replaceAll(/^ATOM {2}(.{6}) SD {2}MET(.{56}) S/gm, 'HETATM$1SE   MSE$2SE')
      .replaceAll(/^ATOM {2}(.{11})MET/gm, 'HETATM$1MSE');
    expect(pdb).toMatch(/^HETATM.{6}SE {3}MSE/m);
    const { pdbqt, removedResidues } = await prepareReceptor(pdb);
    expect([pdbqt, removedResidues]).toEqual([(await prepareReceptor(auroraA)).pdbqt, ['SKE', 'HOH']]);
  });

  test.each([
    ['kills itself', 'kill -9 $$', 'SIGKILL'],
    ['is killed below a shell', 'exit 137', 'exit 137'],
    ['has no memory', 'echo std::bad_alloc >&2', 'out of memory'],
  ])('when Open Babel %s the receptor is not blamed', async (_, script, sign) => {
    const directory = mkdtempSync(join(tmpdir(), 'mad-test-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    writeFileSync(join(directory, 'obabel'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    vi.stubEnv('PATH', `${directory}${delimiter}${process.env.PATH}`);
    onTestFinished(() => void vi.unstubAllEnvs());
    const error = { code: 'MAD_DOCKING_PROGRAM_KILLED', retryable: true, details: { sign } };
    await expect(prepareReceptor(auroraA)).rejects.toMatchObject(error);
  });

  test.each([
    ['an empty file', ''],
    ['a file without a polymer', auroraA.replaceAll(/^ATOM .*\n/gm, '')],
  ])('%s is refused', async (_, pdb) => {
    await expect(prepareReceptor(pdb)).rejects.toThrow(InvalidReceptorError);
    await expect(prepareReceptor(pdb)).rejects.toThrow(/no ATOM record/);
  });
});
