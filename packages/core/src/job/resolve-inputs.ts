import type { ArtifactReference } from '../artifacts/artifact-reference.ts';
import { parseArtifactUri, parseMoleculeUri } from '../artifacts/artifact-uri.ts';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { isJsonObject } from '../json.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import { findMolecule } from '../metadata/molecule.repository.ts';
import type { Platform } from '../platform.ts';
import type { JsonSchema } from '../schema/json-schema.ts';

/**
 * The stored file behind each input URI, an artifact's or a molecule's of the organization.
 * @throws {ValidationFailedError} for a URI of another form or organization, and for a file that is not in the store.
 */
export async function resolveInputs(
  platform: Platform,
  { orgId, inputs, schema }: { orgId: OrgId; inputs: Readonly<Record<string, string>>; schema: JsonSchema },
): Promise<Record<string, ArtifactReference>> {
  const resolved: Record<string, ArtifactReference> = {};
  const issues: ValidationIssue[] = [];
  for (const [key, uri] of Object.entries(inputs)) {
    const digest = await findDigest(platform, orgId, uri);
    const stored = digest === undefined ? undefined : await platform.artifacts.head(orgId, digest);
    if (stored)
      resolved[key] = {
        $artifact: stored.digest,
        contentType: contentTypeOf(schema, key),
        sizeBytes: stored.sizeBytes,
      };
    else
      issues.push({
        pointer: `/inputs/${key}`,
        message: `no file of this organization is at ${JSON.stringify(uri)}; upload it and pass its mad:// URI`,
      });
  }
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues });
  return resolved;
}

async function findDigest({ metadata }: Platform, orgId: OrgId, uri: string): Promise<string | undefined> {
  const artifact = parseArtifactUri(uri);
  if (artifact) return artifact.orgId === orgId ? artifact.digest : undefined;
  const address = parseMoleculeUri(uri);
  if (address?.orgId !== orgId) return undefined;
  const molecule = await inOrganization(metadata, orgId, (tx) => findMolecule(tx, { moleculeId: address.moleculeId }));
  return molecule?.checksum ?? undefined;
}

function contentTypeOf(schema: JsonSchema, key: string): string {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {};
  const property = properties[key];
  const contentType = isJsonObject(property) ? property.contentMediaType : undefined;
  return typeof contentType === 'string' ? contentType : 'application/octet-stream';
}
