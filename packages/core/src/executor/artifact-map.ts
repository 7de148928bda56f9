import { isArtifactReference } from '../artifacts/artifact-reference.ts';
import { formatArtifactUri } from '../artifacts/artifact-uri.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';

/** JSON Pointer of each file in a result → its URI. */
export function artifactMapOf(orgId: OrgId, result: JsonObject): Record<string, string> {
  const map: Record<string, string> = {};
  const visit = (value: JsonObject[string], pointer: string): void => {
    if (isArtifactReference(value)) map[pointer] = formatArtifactUri({ orgId, digest: value.$artifact });
    else if (typeof value === 'object' && value !== null) {
      for (const [key, inner] of Object.entries(value)) visit(inner as JsonObject[string], `${pointer}/${key}`);
    }
  };
  visit(result, '');
  return map;
}
