import { constants, type ReadStream, type Stats } from 'node:fs';
import { access, lstat, open, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { ArchivePathError } from '../errors.ts';

/** What the system's error codes mean for an archive. */
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  ENOTDIR: 'a part of its path is no folder',
  EISDIR: 'it is a folder',
  ENAMETOOLONG: 'its name is too long',
  ELOOP: 'its links lead in a circle',
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

function whyNoFile(found: Stats): string | undefined {
  if (found.isFile()) return undefined;
  return found.isDirectory() ? 'it is a folder' : 'it is no plain file but a link, a device or a pipe';
}

/** Opens the archive to be read; a pipe or a device is not waited for. @throws {ArchivePathError} */
export async function openArchive(path: string): Promise<ReadStream> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
    const reason = whyNoFile(await file.stat());
    if (reason === undefined) return file.createReadStream();
    await file.close();
    throw new ArchivePathError({ path, verb: 'read', reason });
  } catch (cause) {
    throw toArchivePathError(cause, { path, verb: 'read' }) ?? cause;
  }
}

/** @throws {ArchivePathError} where no file of this path can be written, or what is there is no plain file. */
export async function checkArchivePath(path: string): Promise<void> {
  const folder = dirname(path);
  const fail = (reason: string, cause?: unknown) => new ArchivePathError({ path, verb: 'written', reason, cause });
  const found = await stat(folder).catch((cause) => {
    if (cause.code === 'ENOENT') throw fail(`there is no folder ${folder}`, cause);
    throw toArchivePathError(cause, { path, verb: 'written' }) ?? cause;
  });
  if (!found.isDirectory()) throw fail(`${folder} is no folder`);
  // Not where a link leads to: the link itself would be replaced.
  const there = await lstat(path).catch((cause) => {
    if (cause.code !== 'ENOENT') throw toArchivePathError(cause, { path, verb: 'written' }) ?? cause;
  });
  const reason = there && whyNoFile(there);
  if (reason) throw fail(reason);
  await access(folder, constants.W_OK | constants.X_OK).catch((cause) => {
    throw fail(`this process may not write to ${folder}`, cause);
  });
}
