import { isArtifactReference, type JsonObject, type JsonSchema, type JsonValue, TaskFailedError } from '@mad/core';
import { type FilePlace, listFilePlaces, replacePlaces } from '../../openapi/file-places.ts';
import type { RequestFiles } from './request-files.ts';

export interface InlineFiles {
  readonly files: RequestFiles;
  readonly schema: JsonSchema;
}

/**
 * The request as it is sent: every artifact reference where the schema puts a file becomes the file's text, its digest checked.
 * @throws {TaskFailedError} ARTIFACT_NOT_FOUND, ARTIFACT_CORRUPT, or INVALID_FILE when bytes are to be sent as text and are not UTF-8.
 */
export async function inlineFiles(request: JsonObject, { files, schema }: InlineFiles): Promise<JsonValue> {
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const place of listFilePlaces(schema, request)) {
    if (!isArtifactReference(place.value)) continue;
    const bytes = await files.read(place.value);
    replacements.push({ path: place.path, value: toText(bytes, place) });
  }
  return replacePlaces(request, replacements);
}

/** The request with the address of each file that the service fetches by itself. @throws {TaskFailedError} INVALID_FILE where files have no address. */
export async function withAddresses(request: JsonObject, { files, schema }: InlineFiles): Promise<JsonObject> {
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const { path, byAddress, value } of listFilePlaces(schema, request))
    if (byAddress && isArtifactReference(value)) replacements.push({ path, value: await files.addressOf(value) });
  return replacements.length === 0 ? request : (replacePlaces(request, replacements) as JsonObject);
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
