import type { Digest, JsonObject, JsonValue } from '@mad/core';
import { canonicalJson } from './canonical-json.ts';
import { contentForm } from './content-form.ts';
import { digest } from './digest.ts';
import { assertPlainJson } from './plain-json.ts';

/** Raised whenever the form below changes, so that no old signature can equal a new one. */
const SIGNATURE_VERSION = 1;

/** What a job or a step was asked. */
export interface SignedContent {
  readonly inputs: JsonObject;
  /** With every default applied: an omitted default and the same value given are one request. */
  readonly parameters: JsonObject;
  /** JSON Pointers into `parameters` whose values cannot change the answer. Never a bare field name. @default none */
  readonly ignoredPointers?: readonly string[] | undefined;
}

/**
 * SHA-256 over the RFC 8785 JSON of `{version: 1, inputs, parameters}`: equal exactly when the same content was asked for. Files and long
 * strings enter by the digest of their exact bytes. Organization, job, URI, file name, content type and row ids never enter.
 * @throws {NotPlainJsonError}
 */
export function inputSignature(content: SignedContent): Digest {
  return digest(canonicalJson({ version: SIGNATURE_VERSION, ...signedForm(content) }));
}

/** The content as it is signed, small enough to keep beside the signature so that a miss can be explained. */
export function signedForm({ inputs, parameters, ignoredPointers = [] }: SignedContent): SignedForm {
  assertPlainJson(inputs);
  assertPlainJson(parameters);
  return { inputs: contentForm(inputs, []), parameters: contentForm(parameters, ignoredPointers) };
}

export interface SignedForm extends JsonObject {
  readonly inputs: JsonValue | undefined;
  readonly parameters: JsonValue | undefined;
}
