import type { ArtifactReference, ArtifactStore, JsonObject, JsonSchema, JsonValue, OrgId } from '@mad/core';
import { listFilePlaces, replacePlaces } from '../../openapi/file-places.ts';

export interface StoreFiles {
  readonly artifacts: ArtifactStore;
  readonly orgId: OrgId;
  readonly schema: JsonSchema;
}

/** The value with every file that stands in it as text stored and replaced by its artifact reference; references and addresses stay as they are. */
export async function storeFiles(value: JsonObject, { artifacts, orgId, schema }: StoreFiles): Promise<JsonObject> {
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const { path, contentType, base64, byAddress, value: text } of listFilePlaces(schema, value)) {
    if (typeof text !== 'string' || byAddress) continue;
    const { digest, sizeBytes } = await artifacts.put(orgId, base64 ? Buffer.from(text, 'base64') : text);
    const reference: ArtifactReference = { $artifact: digest, contentType, sizeBytes };
    replacements.push({ path, value: reference });
  }
  return replacePlaces(value, replacements) as JsonObject;
}
