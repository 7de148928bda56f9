import { isMadError } from '@mad/core';
import { TaskRegistryUnreachableError } from '../errors.ts';

/** Whatever the Metadata DB answers. Its own errors must not be taken for failures of a task, which end a job. @throws {TaskRegistryUnreachableError} */
export async function askRegistry<T>(ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    throw isMadError(error) ? error : new TaskRegistryUnreachableError({ cause: error });
  }
}
