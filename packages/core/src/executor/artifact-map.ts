import { isArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import type { EntryArtifact } from '../ports/result-cache.ts';

/** JSON Pointer of each file in a request or a result → where it is. */
export function artifactMapOf(orgId: OrgId, value: JsonObject): Record<string, EntryArtifact> {
  const map: Record<string, EntryArtifact> = {};
  const visit = (value: JsonObject[string], pointer: string): void => {
    if (isArtifactReference(value))
      map[pointer] = { uri: formatArtifactUri({ orgId, digest: value.$artifact }), sizeBytes: value.sizeBytes };
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner as JsonObject[string], `${pointer}/${key}`);
    }
  };
  visit(value, '');
  return map;
}

/** Bytes of all the files that are named, one that is named twice counted once. */
export function sumBytes(artifacts: Readonly<Record<string, EntryArtifact>>): number {
  const sizes = new Map(Object.values(artifacts).map(({ uri, sizeBytes }) => [uri, sizeBytes]));
  return [...sizes.values()].reduce((sum, size) => sum + size, 0);
}
