import PQueue from 'p-queue';
import type { ArtifactReference } from '../artifacts/artifact-reference.ts';
import { parseArtifactUri, parseMoleculeUri } from '../artifacts/artifact-uri.ts';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import type { OrgId } from '../ids.ts';
import { isJsonObject } from '../json.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import { listMoleculeChecksums } from '../metadata/molecule.repository.ts';
import type { Platform } from '../platform.ts';
import type { StoredArtifact } from '../ports/artifact-store.ts';
import type { JsonSchema } from '../schema/json-schema.ts';

/** URI → the stored file it leads to; absent where there is none. */
export type StoredFiles = ReadonlyMap<string, StoredArtifact>;

// A store far away answers in some 20 ms: enough at a time to hide that, few enough for its limits.
const HEADS_AT_A_TIME = 32;

/** The stored files behind URIs of artifacts and molecules of the organization: molecules in one statement, each file asked for once. */
export async function findFiles(
  { metadata, artifacts }: Platform,
  { orgId, uris }: { readonly orgId: OrgId; readonly uris: ReadonlySet<string> },
): Promise<StoredFiles> {
  const molecules = new Map<string, string>();
  const digests = new Map<string, string>();
  for (const uri of uris) {
    const artifact = parseArtifactUri(uri);
    const molecule = parseMoleculeUri(uri);
    if (artifact?.orgId === orgId) digests.set(uri, artifact.digest);
    else if (molecule?.orgId === orgId) molecules.set(uri, molecule.moleculeId);
  }
  if (molecules.size > 0) {
    const moleculeIds = [...new Set(molecules.values())];
    const checksums = await inOrganization(metadata, orgId, (tx) => listMoleculeChecksums(tx, { moleculeIds }));
    for (const [uri, moleculeId] of molecules) {
      const digest = checksums.get(moleculeId);
      if (digest !== undefined) digests.set(uri, digest);
    }
  }
  const heads = new Map<string, StoredArtifact>();
  const asked = [...new Set(digests.values())].map((digest) => async () => {
    const stored = await artifacts.head(orgId, digest);
    if (stored) heads.set(digest, stored);
  });
  await new PQueue({ concurrency: HEADS_AT_A_TIME }).addAll(asked);
  return new Map(
    [...digests].flatMap(([uri, digest]) => {
      const stored = heads.get(digest);
      return stored ? [[uri, stored] as const] : [];
    }),
  );
}

/** The file of each input. @throws {ValidationFailedError} for a URI that leads to none. */
export function resolveInputs(
  files: StoredFiles,
  { inputs, schema }: { readonly inputs: Readonly<Record<string, string>>; readonly schema: JsonSchema },
): Record<string, ArtifactReference> {
  const resolved: Record<string, ArtifactReference> = {};
  const issues: ValidationIssue[] = [];
  for (const [key, uri] of Object.entries(inputs)) {
    const stored = files.get(uri);
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

function contentTypeOf(schema: JsonSchema, key: string): string {
  const properties = isJsonObject(schema) && isJsonObject(schema.properties) ? schema.properties : {};
  const property = properties[key];
  const contentType = isJsonObject(property) ? property.contentMediaType : undefined;
  return typeof contentType === 'string' ? contentType : 'application/octet-stream';
}
