import { createRequire } from 'node:module';
import { Worker } from 'node:worker_threads';
import { InvalidLigandError } from '../errors.ts';
import type { ConformerAnswer, ConformerRequest } from './conformer-worker.ts';

const workerFile = createRequire(import.meta.url).resolve('@mad/docking/conformer-worker');

export interface FindConformer extends ConformerRequest {
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * One low-energy 3D structure with explicit hydrogens, as a molfile: the same bytes for the same SMILES and seed. Each call has a worker thread of its
 * own: OpenChemLib keeps fragments of earlier molecules, which would make a structure depend on what the process did before; it takes seconds, during
 * which the event loop must answer health checks; and a thread can be stopped.
 * @throws {InvalidLigandError} also when the time is over: the same search takes as long again. The signal's reason when aborted.
 */
export async function findConformer({ smiles, seed, signal, timeoutMs }: FindConformer): Promise<string> {
  signal?.throwIfAborted();
  const worker = new Worker(workerFile, {
    workerData: { smiles, seed } satisfies ConformerRequest,
    execArgv: [],
    stdout: true,
    stderr: true,
  });
  const { promise, resolve, reject } = Promise.withResolvers<ConformerAnswer>();
  const onAbort = () => reject(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const timer = setTimeout(
    () =>
      reject(
        new InvalidLigandError({
          problem: `its conformer search did not end within ${timeoutMs} ms`,
          advice: 'allow more time, give a smaller or stiffer molecule, or prepare its PDBQT by other means',
        }),
      ),
    timeoutMs,
  );
  worker.once('message', resolve);
  worker.once('error', (cause) =>
    reject(new InvalidLigandError({ problem: 'OpenChemLib failed on it', advice: 'leave this ligand out', cause })),
  );
  worker.once('exit', () =>
    reject(new InvalidLigandError({ problem: 'OpenChemLib gave no 3D structure', advice: 'leave this ligand out' })),
  );
  try {
    const answer = await promise;
    if ('problem' in answer)
      throw new InvalidLigandError({
        problem: answer.problem,
        advice: 'leave this ligand out, or prepare its PDBQT by other means',
      });
    return answer.molfile;
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
    await worker.terminate();
  }
}
