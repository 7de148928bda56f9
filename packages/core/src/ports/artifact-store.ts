import type { Readable } from 'node:stream';
import type { OrgId } from '../ids.ts';

/** SHA-256 of the bytes, 64 lower-case hex digits. */
export type Digest = string;

export interface StoredArtifact {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** An artifact as the store holds it now. */
export interface FoundArtifact extends StoredArtifact {
  /** When its bytes were put last. Absent: the store cannot tell, and the artifact is never collected as garbage. */
  readonly storedAt?: Date | undefined;
  /**
   * Changes whenever the bytes may have, whoever writes them and whatever times they set. Bytes that were read under a version two seconds after
   * `storedAt`, or later, are what later reads give as long as the version stays. Absent: only reading tells.
   */
  readonly version?: string | undefined;
}

/** Bytes under their digest, apart for each organization. Putting the same bytes twice is the same artifact. */
export interface ArtifactStore {
  /** Stores all bytes or nothing; visible under the digest only when complete. */
  put(orgId: OrgId, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<StoredArtifact>;
  /** @throws {NotFoundError} when the artifact is not there. */
  get(orgId: OrgId, digest: Digest): Promise<Readable>;
  head(orgId: OrgId, digest: Digest): Promise<FoundArtifact | undefined>;
  delete(orgId: OrgId, digest: Digest): Promise<void>;
  list(orgId: OrgId): AsyncIterable<StoredArtifact>;
  /** Deletes all that is stored for the organization, and what puts that came to no end have left. */
  clear(orgId: OrgId): Promise<void>;
}
