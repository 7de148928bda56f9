import { createHash } from 'node:crypto';
import {
  ArtifactCorruptError,
  type ArtifactStore,
  isArtifactReference,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  NotFoundError,
  type OrgId,
  TaskFailedError,
} from '@mad/core';
import { type FilePlace, listFilePlaces, replacePlaces } from '../openapi/file-places.ts';

export interface InlineFiles {
  readonly artifacts: ArtifactStore;
  readonly orgId: OrgId;
  readonly schema: JsonSchema;
}

/**
 * The request as it is sent: every artifact reference where the schema puts a file becomes the file's text, its digest checked.
 * @throws {TaskFailedError} ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPT, or INVALID_FILE when bytes are to be sent as text and are not UTF-8.
 */
export async function inlineFiles(request: JsonObject, { artifacts, orgId, schema }: InlineFiles): Promise<JsonValue> {
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const place of listFilePlaces(schema, request)) {
    if (!isArtifactReference(place.value)) continue;
    const bytes = await readChecked(artifacts, { orgId, digest: place.value.$artifact });
    replacements.push({ path: place.path, value: toText(bytes, place) });
  }
  return replacePlaces(request, replacements);
}

async function readChecked(
  artifacts: ArtifactStore,
  { orgId, digest }: { orgId: OrgId; digest: string },
): Promise<Buffer> {
  try {
    const chunks: Uint8Array[] = [];
    for await (const chunk of await artifacts.get(orgId, digest)) chunks.push(chunk as Uint8Array);
    const bytes = Buffer.concat(chunks);
    const found = createHash('sha256').update(bytes).digest('hex');
    if (found !== digest) throw new ArtifactCorruptError({ digest, found });
    return bytes;
  } catch (cause) {
    if (!(cause instanceof NotFoundError) && !(cause instanceof ArtifactCorruptError)) throw cause;
    const failureCode = cause instanceof NotFoundError ? 'ARTIFACT_NOT_FOUND' : 'ARTIFACT_CORRUPT';
    throw new TaskFailedError({ failureCode, message: cause.message, retryable: false, details: { digest }, cause });
  }
}

function toText(bytes: Buffer, { path, base64 }: FilePlace): string {
  if (base64) return bytes.toString('base64');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    const place = `/${path.join('/')}`;
    throw new TaskFailedError({
      failureCode: 'INVALID_FILE',
      message: `the file at ${place} is not text in UTF-8, and the service takes it as text; convert it, or let the interface declare contentEncoding: base64`,
      retryable: false,
      details: { place },
      cause,
    });
  }
}
