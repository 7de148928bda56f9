import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { newId } from '@mad/core';

/** What a bearer value stands for. */
export type BearerKind = 'api_key' | 'refresh' | 'invitation';

/** A bearer value that was just made. `value` is shown once; `secretHash` is what is kept. */
export interface NewBearer {
  readonly id: string;
  readonly value: string;
  readonly secretHash: string;
}

const FORM = /^mad_(api_key|refresh|invitation)_([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})_([0-9a-f]{64})$/;

/** Makes `mad_<kind>_<id>_<secret>`: the id of its row and 256 random bits, in hexadecimal. */
export function newBearer(kind: BearerKind): NewBearer {
  const id = newId();
  const secret = randomBytes(32).toString('hex');
  return { id, value: `mad_${kind}_${id}_${secret}`, secretHash: sha256(secret) };
}

/** The id and the digest of the secret; undefined for what is no bearer value of this kind. */
export function parseBearer(value: unknown, kind: BearerKind): { id: string; secretHash: string } | undefined {
  const [, found, id, secret] = (typeof value === 'string' && FORM.exec(value)) || [];
  return found === kind && id && secret ? { id, secretHash: sha256(secret) } : undefined;
}

/** Compares two digests in a time that tells nothing of them. */
export function isSameHash(kept: string | null | undefined, given: string): boolean {
  // Against nothing it is compared all the same.
  const same = timingSafeEqual(Buffer.from(kept ?? '0'.repeat(64), 'hex'), Buffer.from(given, 'hex'));
  return same && typeof kept === 'string';
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
