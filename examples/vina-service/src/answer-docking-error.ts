import { MadError } from '@mad/core';
import { TaskServiceError } from '@mad/tasks/service';

/** What the operations answer beside a result; each code is that of an error of `@mad/docking` without its prefix. */
export const errorCodes = {
  receptor: { INVALID_RECEPTOR: 'the receptor is no structure that can be docked into' },
  smiles: { INVALID_SMILES: 'the SMILES is not one dockable molecule' },
  ligand: { INVALID_LIGAND: 'no docking input can be made of the ligand, or Vina refuses it' },
  docking: {
    NO_POSES: 'the box misses the receptor or is too small for the ligand',
    INVALID_BOX: 'center or size of the box are out of range',
    INVALID_POSES: 'Vina wrote a damaged file',
  },
} as const;

/** Runs `work` and turns what docking throws into the service's answer: 422 for what cannot succeed, 503 for what may succeed later. */
export async function answerDockingErrors<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof MadError) || !cause.code.startsWith('MAD_DOCKING_')) throw cause;
    const { message, details, retryable } = cause;
    throw new TaskServiceError({
      code: cause.code.slice('MAD_DOCKING_'.length),
      message,
      details,
      status: retryable ? 503 : 422,
      cause,
    });
  }
}
