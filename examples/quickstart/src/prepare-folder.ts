import { access, constants, mkdir } from 'node:fs/promises';

/** Makes sure that the folder is there and can be written. @throws {FolderUnwritableError} */
export async function prepareFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true });
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    throw new FolderUnwritableError(folder, cause);
  }
}

/** Thrown when databases and files cannot be kept in the folder. */
export class FolderUnwritableError extends Error {
  constructor(folder: string, cause: unknown) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
    super(`cannot keep anything in the folder ${folder} (${code}); name one that can be written with --data`, {
      cause,
    });
  }
}
