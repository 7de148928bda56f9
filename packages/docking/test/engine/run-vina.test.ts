import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type PreparedLigand, type PreparedReceptor, prepareLigand, prepareReceptor, runVina } from '@mad/docking';
import { describeWithPrograms, listChildren } from '@mad/testkit';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { auroraA, pocket } from '../structures.ts';

describeWithPrograms('runVina', () => {
  let receptor: PreparedReceptor;
  let phenol: PreparedLigand;
  const dock = (more: object = {}) =>
    runVina({
      receptorPdbqt: receptor.pdbqt,
      ligandPdbqt: phenol.pdbqt,
      box: pocket,
      exhaustiveness: 1,
      seed: 7,
      ...more,
    });

  beforeAll(async () => {
    [receptor, phenol] = await Promise.all([prepareReceptor(auroraA), prepareLigand('Oc1ccccc1')]);
  });

  test('poses come ranked, with the seed, the version and the whole file', async () => {
    const progress: number[] = [];
    const result = await dock({ onProgress: (fraction: number) => progress.push(fraction) });
    expect(result).toMatchObject({ seed: 7, engineVersion: expect.stringMatching(/^AutoDock Vina v?1\.2/) });
    expect(result.poses.map(({ rank }) => rank)).toEqual(result.poses.map((_, index) => index + 1));
    expect(result.poses[0]).toMatchObject({ rmsd_lb: 0, rmsd_ub: 0, molecule: { smiles: 'Oc1ccccc1' } });
    expect(result.poses[0]?.affinity).toBeLessThan(-3);
    expect(result.log).toContain('mode |   affinity');
    // Under load the first star may come in one piece with the scale.
    expect(progress[0]).toBeLessThan(0.2);
    expect([progress.at(-1), progress.length > 5]).toEqual([1, true]);
    expect(progress).toEqual(progress.toSorted((a, b) => a - b));
  });

  test('the same seed gives the same file at any number of threads', async () => {
    const [one, two] = [await dock({ cpu: 1 }), await dock({ cpu: 2 })];
    expect(two.outputPdbqt).toBe(one.outputPdbqt);
  });

  test.each([undefined, 0])('with %j for a seed one is drawn, and repeats the result', async (seed) => {
    const drawn = await dock({ seed });
    expect(drawn.seed).toBeGreaterThan(0);
    expect((await dock({ seed: drawn.seed })).outputPdbqt).toBe(drawn.outputPdbqt);
  });

  test('numModes and energyRange cut the poses', async () => {
    expect((await dock({ numModes: 1 })).poses).toHaveLength(1);
  });

  test('on abort Vina is killed and its files are gone', async () => {
    const temporary = mkdtempSync(join(tmpdir(), 'mad-test-'));
    onTestFinished(() => rmSync(temporary, { recursive: true }));
    vi.stubEnv('TMPDIR', temporary);
    onTestFinished(() => void vi.unstubAllEnvs());
    const controller = new AbortController();
    const reason = new Error('canceled by the user');
    const running = dock({
      exhaustiveness: 500,
      signal: controller.signal,
      onProgress: () => controller.abort(reason),
    });
    await expect(running).rejects.toBe(reason);
    expect(listChildren(process.pid).map(({ name }) => name)).not.toContain('vina');
    expect(readdirSync(temporary)).toEqual([]);
  });

  test('a run past its time is a timeout, and Vina is gone', async () => {
    await expect(dock({ exhaustiveness: 500, timeoutMs: 300 })).rejects.toMatchObject({
      code: 'MAD_DOCKING_TIMEOUT',
      retryable: true,
    });
    expect(listChildren(process.pid).map(({ name }) => name)).not.toContain('vina');
  });

  test('a box that misses the receptor gives no poses, and says what to do', async () => {
    const box = { ...pocket, center: { x: 500, y: 0, z: 0 } };
    await expect(dock({ box })).rejects.toMatchObject({ code: 'MAD_DOCKING_NO_POSES', retryable: false });
    await expect(dock({ box })).rejects.toThrow(/misses the receptor \(center 500, 0, 0; size 15 × 15 × 15 Å\)/);
  });

  test('a box too small for the ligand gives no poses', async () => {
    const cube = (size: number) => ({ ...pocket, size: { x: size, y: size, z: size } });
    await expect(dock({ box: cube(1) })).rejects.toThrow(/larger than the box/);
    await expect(dock({ box: cube(2.5) })).rejects.toThrow(/does not fit into the box/);
  });

  test.each([
    ['numModes', [0, -1, 1.5, Number.NaN]],
    ['exhaustiveness', [0, -8, 0.5, Number.NaN, 2 ** 31]],
    ['energyRange', [0, -3, Number.NaN, Number.POSITIVE_INFINITY]],
    ['cpu', [-1, 1.5, Number.NaN]],
    ['seed', [-1, 1.5, Number.NaN, 2 ** 31]],
    ['timeoutMs', [0, -1, Number.NaN, Number.POSITIVE_INFINITY]],
  ])('%s of %j is refused before Vina starts, for good', async (option, values) => {
    for (const value of values) {
      const refused = { code: 'MAD_DOCKING_INVALID_OPTIONS', retryable: false, details: { option } };
      await expect(dock({ [option]: value })).rejects.toMatchObject(refused);
      await expect(dock({ [option]: value })).rejects.toThrow(`${option} must be `);
    }
  });

  test('an atom type that Vina does not know is the fault of its ligand', async () => {
    const ligandPdbqt = phenol.pdbqt.replace(/ OA$/m, ' Xx');
    await expect(dock({ ligandPdbqt })).rejects.toMatchObject({ code: 'MAD_DOCKING_INVALID_LIGAND' });
  });
});
