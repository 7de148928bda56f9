import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type FileStorage, isFile } from '@flystorage/file-storage';
import { NotFoundError, ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
import type { ArtifactStore, Digest, FoundArtifact } from '../ports/artifact-store.ts';
import { isDigest } from './is-digest.ts';

/** What a storage knows of a file without reading it. */
export type FileState = Omit<FoundArtifact, 'digest'>;

export interface ArtifactStoreOptions {
  /**
   * The state of the file at this path of the storage; undefined when there is none.
   * @default what the adapter tells, with the time of modification as version: for storages that set it themselves, as S3 does
   */
  readonly stat?: ((path: string) => Promise<FileState | undefined>) | undefined;
}

/**
 * An artifact store on any Flystorage adapter. Bytes are written under a name of their own and moved to their digest when complete, so
 * a crash leaves no half artifact behind a digest; what it leaves under `incoming/` is never read, and goes with the organization.
 */
export function createArtifactStore(
  storage: FileStorage,
  { stat = (path) => statOf(storage, path) }: ArtifactStoreOptions = {},
): ArtifactStore {
  // An organization's folder is its uuid and a file's name its digest: nothing that a caller passes can lead out of the folder.
  const folder = (orgId: OrgId) => {
    if (!isUuid(orgId))
      throw new ValidationFailedError({
        subject: 'organization id',
        issues: [{ pointer: '', message: 'expected a uuid' }],
      });
    return orgId.toLowerCase();
  };
  const path = (orgId: OrgId, digest: Digest) => {
    if (!isDigest(digest)) throw new NotFoundError({ entity: 'artifact', id: digest.slice(0, 100) });
    return `${folder(orgId)}/sha256/${digest.slice(0, 2)}/${digest}`;
  };

  async function head(orgId: OrgId, digest: Digest): Promise<FoundArtifact | undefined> {
    if (!isDigest(digest)) return undefined;
    const found = await stat(path(orgId, digest));
    return found && { ...found, digest };
  }

  return {
    async put(orgId, content) {
      const incoming = `${folder(orgId)}/incoming/${randomUUID()}`;
      const hash = createHash('sha256');
      let sizeBytes = 0;
      const measured = async function* () {
        for await (const chunk of typeof content === 'string' || content instanceof Uint8Array ? [content] : content) {
          const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
          hash.update(bytes);
          sizeBytes += bytes.byteLength;
          yield bytes;
        }
      };
      try {
        await storage.write(incoming, Readable.from(measured()));
        const digest = hash.digest('hex');
        await storage.moveFile(incoming, path(orgId, digest));
        return { digest, sizeBytes };
      } catch (error) {
        await storage.deleteFile(incoming).catch(() => {});
        throw error;
      }
    },
    async get(orgId, digest) {
      if (!(await head(orgId, digest))) throw new NotFoundError({ entity: 'artifact', id: digest });
      return storage.read(path(orgId, digest));
    },
    head,
    async delete(orgId, digest) {
      await storage.deleteFile(path(orgId, digest));
    },
    async *list(orgId) {
      if (!(await storage.directoryExists(`${folder(orgId)}/sha256`))) return;
      for await (const entry of storage.list(`${folder(orgId)}/sha256`, { deep: true })) {
        if (!isFile(entry)) continue;
        yield { digest: entry.path.slice(-64), sizeBytes: entry.size ?? (await storage.fileSize(entry.path)) };
      }
    },
    async clear(orgId) {
      await storage.deleteDirectory(folder(orgId));
    },
  };
}

async function statOf(storage: FileStorage, path: string): Promise<FileState | undefined> {
  if (!(await storage.fileExists(path))) return undefined;
  const found = await storage.stat(path);
  const sizeBytes = (isFile(found) ? found.size : undefined) ?? (await storage.fileSize(path));
  const { lastModifiedMs } = found;
  if (lastModifiedMs === undefined) return { sizeBytes };
  return { sizeBytes, storedAt: new Date(lastModifiedMs), version: `${lastModifiedMs}/${sizeBytes}` };
}
