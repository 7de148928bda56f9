import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import { isDigest } from './is-digest.ts';

/**
 * A file inside a request, result or input: `{"$artifact": "<sha-256>", "contentType": "chemical/x-pdb", "sizeBytes": 170000}`.
 * In a JSON Schema the same place is a string with `contentMediaType` (or `format: binary`): the runner sends the text itself.
 */
export interface ArtifactReference extends JsonObject {
  readonly $artifact: string;
  readonly contentType: string;
  readonly sizeBytes: number;
}

export function isArtifactReference(value: JsonValue | undefined): value is ArtifactReference {
  return isJsonObject(value) && typeof value.$artifact === 'string' && isDigest(value.$artifact);
}
