import {
  type ArtifactReference,
  type ArtifactStore,
  isArtifactReference,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  type OrgId,
  ValidationFailedError,
} from '@mad/core';
import { listFilePlaces, replacePlaces } from '../../openapi/file-places.ts';
import { contractViolation } from './read-json-body.ts';

export interface StoreFiles {
  readonly artifacts: ArtifactStore;
  readonly orgId: OrgId;
  readonly schema: JsonSchema;
  readonly signal?: AbortSignal | undefined;
  /** Of an answer: what it refers to must be there, for it may name anything. @default false */
  readonly isAnswer?: boolean | undefined;
}

/** Files in one value; each takes a write. */
const MAX_FILES = 1_000;

/**
 * The value with every file that stands in it as text stored and replaced by its artifact reference; references and addresses stay as they are.
 * @throws {ValidationFailedError} for more than 1,000 files in a request; of an answer {TaskFailedError} CONTRACT_VIOLATION, also for a reference that leads nowhere.
 */
export async function storeFiles(value: JsonObject, storing: StoreFiles): Promise<JsonObject> {
  const { artifacts, orgId, schema, signal, isAnswer = false } = storing;
  const replacements: { path: readonly string[]; value: JsonValue }[] = [];
  for (const { path, contentType, base64, byAddress, value: text } of listFilePlaces(schema, value)) {
    signal?.throwIfAborted();
    const pointer = `/${path.join('/')}`;
    if (isAnswer && isArtifactReference(text)) await requireStored(text, { ...storing, pointer });
    if (typeof text !== 'string' || byAddress) continue;
    if (replacements.length === MAX_FILES) throw tooMany({ pointer, isAnswer });
    const { digest, sizeBytes } = await artifacts.put(orgId, base64 ? Buffer.from(text, 'base64') : text);
    const reference: ArtifactReference = { $artifact: digest, contentType, sizeBytes };
    replacements.push({ path, value: reference });
  }
  return replacePlaces(value, replacements) as JsonObject;
}

async function requireStored(
  { $artifact, sizeBytes }: ArtifactReference,
  { artifacts, orgId, pointer }: StoreFiles & { readonly pointer: string },
): Promise<void> {
  const stored = await artifacts.head(orgId, $artifact);
  if (stored?.sizeBytes !== sizeBytes)
    throw contractViolation(`answered with a reference to a file that is not there (${pointer})`);
}

function tooMany({ pointer, isAnswer }: { readonly pointer: string; readonly isAnswer: boolean }): Error {
  const message = `expected at most ${MAX_FILES} files as text; store them first and give references, or send fewer`;
  if (isAnswer) return contractViolation(`answered with more than ${MAX_FILES} files as text`);
  return new ValidationFailedError({ subject: 'request', issues: [{ pointer, message }] });
}
