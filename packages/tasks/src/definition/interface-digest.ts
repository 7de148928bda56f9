import { createHash } from 'node:crypto';
import type { JsonObject } from '@mad/core';
import canonicalize from 'canonicalize';

/** SHA-256 of the document's canonical form (RFC 8785): the same however it was spaced, ordered or spelled, YAML or JSON. */
export function interfaceDigest(document: JsonObject): string {
  return createHash('sha256')
    .update(canonicalize(document) ?? '')
    .digest('hex');
}
