import { randomInt } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Box, depthInBox, describeBox } from '../box/box.ts';
import { NoPosesError } from '../errors.ts';
import { inTemporaryDirectory } from '../program/in-temporary-directory.ts';
import { runProgram } from '../program/run-program.ts';
import { parseVinaPdbqt } from '../result/parse-vina-pdbqt.ts';
import type { Pose } from '../result/pose.ts';
import { checkDockingInput } from './check-docking-input.ts';
import { checkVinaOptions, maxVinaSeed } from './check-vina-options.ts';
import { explainVinaFailure } from './vina-failure.ts';
import { readVinaProgress } from './vina-progress.ts';

export interface RunVina {
  readonly receptorPdbqt: string;
  readonly ligandPdbqt: string;
  readonly box: Box;
  /** Independent searches; time grows with it. @default 8 */
  readonly exhaustiveness?: number | undefined;
  /** At most this many poses. @default 9 */
  readonly numModes?: number | undefined;
  /** Poses at most this much worse than the best, in kcal/mol. @default 3 */
  readonly energyRange?: number | undefined;
  /** 1..2147483647. Absent or 0: one is drawn; the result tells which. */
  readonly seed?: number | undefined;
  /** Threads; all processors when absent. Does not change the result. */
  readonly cpu?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** No limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** Called with 0..1 as the search goes on. */
  readonly onProgress?: ((fraction: number) => void) | undefined;
}

export interface VinaResult {
  /** At least one, in rank order. */
  readonly poses: readonly Pose[];
  /** The file that Vina wrote, unchanged. */
  readonly outputPdbqt: string;
  /** With the same inputs and the same program it gives the same poses again. */
  readonly seed: number;
  /** Such as `AutoDock Vina v1.2.3`. */
  readonly engineVersion: string;
  readonly log: string;
}

/**
 * Docks one ligand with AutoDock Vina. A result is taken only from the file that this call made Vina write, with at least one pose, finite scores and ranks
 * 1..n; inputs on which Vina would exit 0 with nonsense are refused before it starts. On abort Vina is killed before this returns.
 * @throws {NoPosesError} when the box misses the receptor, or the ligand does not fit into it.
 * @throws {InvalidDockingOptionsError} {InvalidBoxError} {InvalidReceptorError} {InvalidLigandError} {InvalidPosesError} {ProgramMissingError} {ProgramFailedError} permanent
 * @throws {ProgramTimeoutError} {ProgramKilledError} worth another try
 */
export async function runVina(run: RunVina): Promise<VinaResult> {
  checkVinaOptions(run);
  checkDockingInput(run);
  const { receptorPdbqt, ligandPdbqt, box, signal, timeoutMs, onProgress } = run;
  const seed = run.seed || randomInt(1, maxVinaSeed);
  return inTemporaryDirectory(async (cwd) => {
    await Promise.all([
      writeFile(join(cwd, 'receptor.pdbqt'), receptorPdbqt),
      writeFile(join(cwd, 'ligand.pdbqt'), ligandPdbqt),
    ]);
    const onStdout = onProgress && readVinaProgress(onProgress);
    const end = await runProgram({ program: 'vina', args: vinaArguments(run, seed), cwd, signal, timeoutMs, onStdout });
    const failure = explainVinaFailure(end, ligandPdbqt);
    if (failure) throw failure;
    const outputPdbqt = await readFile(join(cwd, 'poses.pdbqt'), 'utf8').catch(() => '');
    const poses = acceptPoses(outputPdbqt, box);
    return {
      poses,
      outputPdbqt,
      seed,
      engineVersion: /AutoDock Vina v?\S+/.exec(end.stdout)?.[0] ?? 'AutoDock Vina',
      log: end.stdout + end.stderr,
    };
  });
}

function vinaArguments(
  { box: { center, size }, exhaustiveness = 8, numModes = 9, energyRange = 3, cpu }: RunVina,
  seed: number,
): string[] {
  const options = {
    receptor: 'receptor.pdbqt',
    ligand: 'ligand.pdbqt',
    out: 'poses.pdbqt',
    center_x: center.x,
    center_y: center.y,
    center_z: center.z,
    size_x: size.x,
    size_y: size.y,
    size_z: size.z,
    exhaustiveness,
    num_modes: numModes,
    energy_range: energyRange,
    seed,
    cpu: cpu ?? 0,
  };
  return Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
}

function acceptPoses(outputPdbqt: string, box: Box): Pose[] {
  if (outputPdbqt.trim() === '') {
    throw new NoPosesError({
      problem: 'Vina found none',
      box: describeBox(box),
      advice: 'move or enlarge the box, or raise exhaustiveness',
    });
  }
  const poses = parseVinaPdbqt(outputPdbqt);
  // Vina adds a million kcal/mol for each ångström outside of the box, and still writes the file.
  const [best] = poses;
  if (best && best.affinity > 0 && best.atoms.some((atom) => depthInBox(atom, box) < 0)) {
    throw new NoPosesError({
      problem: 'the ligand does not fit into the box',
      box: describeBox(box),
      advice: 'enlarge the box to 20 Å or more on each side',
    });
  }
  return poses;
}
