import { createHash, randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { type FileStorage, isFile } from '@flystorage/file-storage';
import { NotFoundError, ValidationFailedError } from '../errors.ts';
import { isUuid, type OrgId } from '../ids.ts';
import type { ArtifactStore, Digest, StoredArtifact } from '../ports/artifact-store.ts';
import { isDigest } from './is-digest.ts';

/**
 * An artifact store on any Flystorage adapter. Bytes are written under a name of their own and moved to their digest when complete, so
 * a crash leaves no half artifact behind a digest; what it leaves under `incoming/` is never read.
 */
export function createArtifactStore(storage: FileStorage): ArtifactStore {
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

  async function head(orgId: OrgId, digest: Digest): Promise<StoredArtifact | undefined> {
    if (!isDigest(digest)) return undefined;
    if (!(await storage.fileExists(path(orgId, digest)))) return undefined;
    return { digest, sizeBytes: await storage.fileSize(path(orgId, digest)) };
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
  };
}
