import { createHmac, hash, hkdfSync, timingSafeEqual } from 'node:crypto';
import { type LookedUpEntry, type OrgId, Recent } from '@mad/core';

/** What is sealed of an entry. JSON as PostgreSQL writes it. */
export type SealedEntry = Pick<
  LookedUpEntry,
  | 'cache_key'
  | 'task_name'
  | 'canonical_job_id'
  | 'confidence_score'
  | 'determinism'
  | 'artifact_map'
  | 'artifact_sizes'
  | 'producer'
  | 'input_signature'
  | 'content_digest'
>;

/** `foreign`: sealed under another key, by another secret or another version of the seal. */
export type SealVerdict = 'sound' | 'broken' | 'foreign';

export interface Sealer {
  seal(orgId: OrgId, entry: SealedEntry): string;
  judge(orgId: OrgId, entry: SealedEntry & { readonly seal: string | null }): SealVerdict;
}

interface SealKey {
  readonly key: HmacKey;
  /** Version of the seal and the beginning of a digest of the key: tells a damaged seal from one of another secret. */
  readonly lead: string;
}

const SEAL_VERSION = 1;
/** Organizations whose keys are kept, some 500 bytes each; that of another is derived again. */
const MOST_KEYS = 10_000;
// Shows damage, and no intent: everybody knows it.
const KNOWN_TO_ALL = 'mad cache without a secret';

/**
 * Seals entries: HMAC-SHA-256 under a key of the organization's own, derived from the secret by HKDF-SHA-256. Text `<version>.<key id>.<HMAC>`. Without a
 * secret the key is a known one: then a seal shows damage, but not what somebody has forged on purpose.
 */
export function createSealer(secret: string | undefined): Sealer {
  const keys = new Recent<OrgId, SealKey>(MOST_KEYS);
  const keyOf = (orgId: OrgId): SealKey => {
    const known = keys.get(orgId);
    if (known) return known;
    const bytes = hkdfSync('sha256', secret ?? KNOWN_TO_ALL, '', `mad/cache/seal/${SEAL_VERSION}/${orgId}`, 32);
    const id = createHmac('sha256', Buffer.from(bytes)).update('key id').digest('base64url').slice(0, 8);
    const made = { key: new HmacKey(Buffer.from(bytes)), lead: `${SEAL_VERSION}.${id}.` };
    keys.set(orgId, made);
    return made;
  };
  return {
    seal(orgId, entry) {
      const { key, lead } = keyOf(orgId);
      return lead + key.sign(sealedText(entry));
    },
    judge(orgId, entry) {
      const { key, lead } = keyOf(orgId);
      if (entry.seal === null) return 'broken';
      if (!entry.seal.startsWith(lead)) return /^\d+\.[\w-]{8}\.[\w-]{43}$/.test(entry.seal) ? 'foreign' : 'broken';
      return isSame(entry.seal.slice(lead.length), key.sign(sealedText(entry))) ? 'sound' : 'broken';
    },
  };
}

const BLOCK = 64;
/** Of texts that are longer a buffer of their own is made. */
const ROOM = 16 * 1024;
/** Written and hashed within one call, so all keys share them. */
const inner = Buffer.alloc(BLOCK + ROOM);
const outer = Buffer.alloc(BLOCK + 32);

/**
 * HMAC-SHA-256 (RFC 2104) of many texts under one key, as base64url. By two hashes at one call each, which give strings: a third of the time that an Hmac
 * object takes, and a buffer made for each digest would double it.
 */
class HmacKey {
  readonly #inner = Buffer.alloc(BLOCK, 0x36);
  readonly #outer = Buffer.alloc(BLOCK, 0x5c);

  /** @param key at most a block long */
  constructor(key: Buffer) {
    for (const [at, byte] of key.entries()) {
      this.#inner[at] = byte ^ 0x36;
      this.#outer[at] = byte ^ 0x5c;
    }
  }

  sign(text: string): string {
    this.#outer.copy(outer);
    outer.write(hash('sha256', this.#innerOf(text), 'binary'), BLOCK, 'binary');
    return hash('sha256', outer, 'base64url');
  }

  #innerOf(text: string): Buffer {
    // A UTF-16 unit is three bytes of UTF-8 at most.
    if (text.length * 3 > ROOM) return Buffer.concat([this.#inner, Buffer.from(text)]);
    this.#inner.copy(inner);
    return inner.subarray(0, BLOCK + inner.write(text, BLOCK));
  }
}

const DIGITS = 43;
const left = Buffer.alloc(DIGITS);
const right = Buffer.alloc(DIGITS);

/** Takes as long wherever two texts of base64url differ. */
function isSame(given: string, found: string): boolean {
  if (given.length !== DIGITS) return false;
  left.write(given, 'latin1');
  right.write(found, 'latin1');
  return timingSafeEqual(left, right);
}

/** Each part behind its length: no two entries give one text. */
function sealedText(entry: SealedEntry): string {
  const { confidence_score: confidence } = entry;
  return (
    part(entry.cache_key) +
    part(entry.task_name) +
    part(entry.canonical_job_id) +
    part(confidence === null ? null : String(confidence)) +
    part(entry.determinism) +
    part(entry.artifact_map) +
    part(entry.artifact_sizes) +
    part(entry.producer) +
    part(entry.input_signature) +
    part(entry.content_digest)
  );
}

const part = (text: string | null): string => (text === null ? '-' : `${text.length}:${text}`);
