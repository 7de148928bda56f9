import { createHash } from 'node:crypto';
import { ArtifactCorruptError } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import type { ArtifactStore, Digest } from '../ports/artifact-store.ts';

/** The whole artifact as UTF-8 text, its digest checked. @throws {NotFoundError} @throws {ArtifactCorruptError} */
export async function readArtifactText(
  artifacts: ArtifactStore,
  artifact: { orgId: OrgId; digest: Digest },
): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of await artifacts.get(artifact.orgId, artifact.digest))
    chunks.push(Buffer.from(chunk as Uint8Array));
  const bytes = Buffer.concat(chunks);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== artifact.digest) throw new ArtifactCorruptError({ digest: artifact.digest, found });
  return bytes.toString('utf8');
}
