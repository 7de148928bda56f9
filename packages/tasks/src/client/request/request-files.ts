import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import {
  ArtifactCorruptError,
  type ArtifactReference,
  type ArtifactStore,
  NotFoundError,
  type OrgId,
  TaskFailedError,
} from '@mad/core';

/** Where the files of a request come from. */
export interface RequestFiles {
  /** All of a file. @throws {TaskFailedError} ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPT */
  read(reference: ArtifactReference): Promise<Buffer>;
  /** A file chunk by chunk, which fails at its end where it is not the one that was meant. @throws {TaskFailedError} as `read` */
  open(reference: ArtifactReference): Promise<Readable>;
  /** Where a service can fetch a file. @throws {TaskFailedError} INVALID_FILE where files have no address. */
  addressOf(reference: ArtifactReference): Promise<string>;
}

/** The host's address of an artifact, which it may sign: services that take files by their address fetch them there. */
export type ArtifactUrl = (orgId: OrgId, reference: ArtifactReference) => Promise<string>;

/** The artifacts of one organization, their digests checked. */
export function createRequestFiles({
  artifacts,
  orgId,
  artifactUrl,
}: {
  readonly artifacts: ArtifactStore;
  readonly orgId: OrgId;
  readonly artifactUrl?: ArtifactUrl | undefined;
}): RequestFiles {
  async function* readChecked({ $artifact: digest, sizeBytes }: ArtifactReference): AsyncGenerator<Uint8Array> {
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      for await (const chunk of await artifacts.get(orgId, digest)) {
        bytes += (chunk as Uint8Array).byteLength;
        // Never more than was announced: what comes behind it would be another request to the service.
        if (bytes > sizeBytes) break;
        hash.update(chunk as Uint8Array);
        yield chunk as Uint8Array;
      }
      const found = hash.digest('hex');
      if (found !== digest || bytes !== sizeBytes) throw new ArtifactCorruptError({ digest, found });
    } catch (cause) {
      if (!(cause instanceof NotFoundError) && !(cause instanceof ArtifactCorruptError)) throw cause;
      const failureCode = cause instanceof NotFoundError ? 'ARTIFACT_NOT_FOUND' : 'ARTIFACT_CORRUPT';
      throw new TaskFailedError({ failureCode, message: cause.message, retryable: false, details: { digest }, cause });
    }
  }
  return {
    async read(reference) {
      const chunks: Uint8Array[] = [];
      for await (const chunk of readChecked(reference)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    async open(reference) {
      return Readable.from(readChecked(reference), { objectMode: false });
    },
    async addressOf(reference) {
      if (artifactUrl) return artifactUrl(orgId, reference);
      throw new TaskFailedError({
        failureCode: 'INVALID_FILE',
        message:
          'the service takes this file by its address, and artifacts have none here; the operator must give createTaskRunner artifactUrl',
        retryable: false,
        details: { digest: reference.$artifact },
      });
    },
  };
}

/** For requests whose files are given as text. */
export const noFiles: RequestFiles = {
  read: ({ $artifact }) => Promise.reject(notThere($artifact)),
  open: ({ $artifact }) => Promise.reject(notThere($artifact)),
  addressOf: ({ $artifact }) => Promise.reject(notThere($artifact)),
};

function notThere(digest: string): TaskFailedError {
  return new TaskFailedError({
    failureCode: 'ARTIFACT_NOT_FOUND',
    message: `there is no artifact store to read ${digest} from; give the file as text, or the client its files`,
    retryable: false,
    details: { digest },
  });
}
