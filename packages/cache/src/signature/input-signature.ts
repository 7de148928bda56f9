import type { Digest, JsonObject } from '@mad/core';
import { refuse } from './canonical-json.ts';
import { CanonicalWriter, type Folding } from './canonical-writer.ts';
import { digest } from './digest.ts';
import { readPlaces, type SignedOtherwise } from './places.ts';

/** Raised whenever the form below changes, so that no old signature can equal a new one. */
const SIGNATURE_VERSION = 3;

/** What a job or a step was asked. `ignoredPointers` and `contentTypes` are of places in `parameters`. */
export interface SignedContent extends SignedOtherwise {
  readonly inputs: JsonObject;
  /** With every default applied: an omitted default and the same value given are one request. */
  readonly parameters: JsonObject;
}

/**
 * SHA-256 over the RFC 8785 JSON of `{version: 3, inputs, parameters}`: equal exactly when the same content was asked for. Files and strings beyond
 * 1,024 UTF-16 units enter as `{"$artifact": digest}`: the bytes count, not their size, not their content type, nor whether they were sent inline.
 * A file is an object of exactly `$artifact`, `contentType` and `sizeBytes`. Any other object with a key `$artifact`, `$text` or `$plain` enters as
 * `{"$plain": object}`. Ignored properties are left out, ignored items of an array are null.
 * Organization, job, URI, file name and row ids never enter.
 * @throws {NotPlainJsonError}
 */
export function inputSignature(content: SignedContent): Digest {
  return digest(signedText(content, EXACTLY));
}

/** Every byte counts. */
export const EXACTLY: Folding = { ofFile: () => undefined, ofText: () => undefined };

/** The text whose digest is the signature. @throws {NotPlainJsonError} */
export function signedText({ inputs, parameters, ...otherwise }: SignedContent, folding: Folding): string {
  const writer = new CanonicalWriter(folding);
  const places = readPlaces(otherwise);
  const left = writer.write(inputs) ?? refuse(inputs);
  const rest = `,"version":${SIGNATURE_VERSION}}`;
  if (places?.isIgnored) return `{"inputs":${left}${rest}`;
  return `{"inputs":${left},"parameters":${writer.write(parameters, places) ?? refuse(parameters)}${rest}`;
}
