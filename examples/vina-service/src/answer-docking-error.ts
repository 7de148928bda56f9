import { isMadError } from '@mad/core';
import { TaskServiceError } from '@mad/tasks/service';

/** What the operations answer beside a result; each code is that of an error of `@mad/docking` without its prefix. */
export const receptorErrors = { INVALID_RECEPTOR: 'the receptor is no structure that can be docked into' };
export const ligandErrors = { INVALID_LIGAND: 'no docking input can be made of the ligand, or Vina refuses it' };

/** Turns what docking throws into the service's answer: 422 for what cannot succeed, 503 for what may succeed later. */
export function answerDockingErrors<T>(work: Promise<T>): Promise<T> {
  return work.catch((cause) => {
    if (!isMadError(cause) || !cause.code.startsWith('MAD_DOCKING_')) throw cause;
    const { code, message, details, retryable } = cause;
    const facts = { code: code.slice('MAD_DOCKING_'.length), message, details, cause };
    throw new TaskServiceError({ ...facts, status: retryable ? 503 : 422 });
  });
}
