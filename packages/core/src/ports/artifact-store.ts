import type { Readable } from 'node:stream';
import type { OrgId } from '../ids.ts';

/** SHA-256 of the bytes, 64 lower-case hex digits. */
export type Digest = string;

export interface StoredArtifact {
  readonly digest: Digest;
  readonly sizeBytes: number;
}

/** Bytes under their digest, apart for each organization. Putting the same bytes twice is the same artifact. */
export interface ArtifactStore {
  /** Stores all bytes or nothing; visible under the digest only when complete. */
  put(orgId: OrgId, content: Uint8Array | string | AsyncIterable<Uint8Array>): Promise<StoredArtifact>;
  /** @throws {NotFoundError} when the artifact is not there. */
  get(orgId: OrgId, digest: Digest): Promise<Readable>;
  head(orgId: OrgId, digest: Digest): Promise<StoredArtifact | undefined>;
  delete(orgId: OrgId, digest: Digest): Promise<void>;
  list(orgId: OrgId): AsyncIterable<StoredArtifact>;
}
