import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ArchivePathError } from '../errors.ts';

/** What the system's error codes mean for an archive. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  EACCES: 'this process may not',
  EPERM: 'this process may not',
  EROFS: 'its file system takes no writes',
  ENOSPC: 'its disk is full',
  EDQUOT: 'its disk is full',
};

/** The failure of a call to the file system as one of the archive; undefined for any other failure. */
export function toArchivePathError(
  cause: unknown,
  { path, verb }: { readonly path: string; readonly verb: 'read' | 'written' },
): ArchivePathError | undefined {
  if (!(cause instanceof Error && 'code' in cause && typeof cause.code === 'string' && 'syscall' in cause))
    return undefined;
  return new ArchivePathError({ path, verb, reason: REASONS[cause.code] ?? cause.code, cause });
}

/** @throws {ArchivePathError} where no file of this path can be written. */
export async function checkArchivePath(path: string): Promise<void> {
  const folder = dirname(path);
  const fail = (reason: string, cause?: unknown) => new ArchivePathError({ path, verb: 'written', reason, cause });
  const found = await stat(folder).catch((cause) => {
    throw fail(`there is no folder ${folder}`, cause);
  });
  if (!found.isDirectory()) throw fail(`${folder} is no folder`);
  const there = await stat(path).catch(() => undefined);
  if (there?.isDirectory()) throw fail('it is a folder');
  await access(folder, constants.W_OK | constants.X_OK).catch((cause) => {
    throw fail(`this process may not write to ${folder}`, cause);
  });
}
