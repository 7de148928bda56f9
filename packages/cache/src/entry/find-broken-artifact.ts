import { type ArtifactStore, NotFoundError, type OrgId, parseArtifactUri } from '@mad/core';
import { digest } from '../signature/digest.ts';

/** What an entry refers to, and whose it must be. */
export interface ReferredArtifacts {
  readonly orgId: OrgId;
  /** Output key → artifact URI. */
  readonly artifactMap: Readonly<Record<string, string>>;
}

/**
 * The first output whose artifact is gone, altered, of another organization or not an artifact at all; undefined when all are as they were
 * stored. Every byte is read, so that a flipped one is noticed too; the same artifact under two keys is read once.
 */
export async function findBrokenArtifact(
  artifacts: ArtifactStore,
  { orgId, artifactMap }: ReferredArtifacts,
): Promise<string | undefined> {
  const sound = new Set<string>();
  for (const [key, uri] of Object.entries(artifactMap)) {
    if (sound.has(uri)) continue;
    const address = parseArtifactUri(uri);
    if (address?.orgId !== orgId || !(await isSound(artifacts, address))) return key;
    sound.add(uri);
  }
  return undefined;
}

async function isSound(
  artifacts: ArtifactStore,
  address: { readonly orgId: OrgId; readonly digest: string },
): Promise<boolean> {
  try {
    return (await digest(await artifacts.get(address.orgId, address.digest))) === address.digest;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}
