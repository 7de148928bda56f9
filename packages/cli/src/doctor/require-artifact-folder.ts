import { stat } from 'node:fs/promises';
import { CommandUsageError } from '../errors.ts';

/** A store of its own would be made where none is, and every file of every job be missing in it. @throws {CommandUsageError} */
export async function requireArtifactFolder(folder: string): Promise<void> {
  const found = await stat(folder).catch(() => undefined);
  if (found?.isDirectory()) return;
  const what = found ? 'something else' : 'nothing; make the folder if the store is new';
  throw new CommandUsageError({
    option: '--artifacts',
    expected: 'the folder of a local store',
    got: `${JSON.stringify(folder)}, where there is ${what}`,
  });
}
