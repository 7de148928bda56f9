import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { FileStorage } from '@flystorage/file-storage';
import { LocalStorageAdapter } from '@flystorage/local-fs';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import { createArtifactStore, type FileState } from './create-artifact-store.ts';

/** An artifact store in a local folder, made when missing. */
export function createLocalArtifactStore({ folder }: { readonly folder: string }): ArtifactStore {
  return createArtifactStore(new FileStorage(new LocalStorageAdapter(folder)), {
    stat: (path) => statOf(join(folder, path)),
  });
}

/** The time at which the inode changed is the kernel's: who writes the file can set back its time of modification, but not this. */
async function statOf(file: string): Promise<FileState | undefined> {
  try {
    const { size, ino, ctimeMs, ctimeNs } = await stat(file, { bigint: true });
    return { sizeBytes: Number(size), storedAt: new Date(Number(ctimeMs)), version: `${ino}/${ctimeNs}/${size}` };
  } catch (error) {
    if (isGone(error)) return undefined;
    throw error;
  }
}

function isGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
