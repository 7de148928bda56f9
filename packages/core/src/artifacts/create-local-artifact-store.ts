import { FileStorage } from '@flystorage/file-storage';
import { LocalStorageAdapter } from '@flystorage/local-fs';
import type { ArtifactStore } from '../ports/artifact-store.ts';
import { createArtifactStore } from './create-artifact-store.ts';

/** An artifact store in a local folder, made when missing. */
export function createLocalArtifactStore(options: { readonly folder: string }): ArtifactStore {
  return createArtifactStore(new FileStorage(new LocalStorageAdapter(options.folder)));
}
