import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** Identifies an organization in both databases. */
export type OrgId = string;

// Random bytes for many ids at a time: asked for one by one they were most of an id's cost.
const randoms = Buffer.alloc(16 * 256);
let used = randoms.length;
let msecs = 0;
let seq = 0;

/** A new UUIDv7, greater than the one before: rows made together lie together in every index. */
export function newId(): string {
  if (used === randoms.length) {
    randomFillSync(randoms);
    used = 0;
  }
  const random = randoms.subarray(used, used + 16);
  used += 16;
  const now = Date.now();
  seq = now > msecs ? random.readUInt32BE() >>> 1 : seq + 1;
  msecs = Math.max(now, msecs);
  return v7({ random, msecs, seq });
}

/** A uuid as the databases write it, as a regular expression finds it in a longer text. */
export const UUID_PATTERN = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}';
const UUID = new RegExp(`^${UUID_PATTERN}$`, 'i');
const NO_ID = '00000000-0000-0000-0000-000000000000';

export function isUuid(value: unknown): value is string {
  return typeof value === 'string' && UUID.test(value);
}

/** The id to look for: what is no uuid names no row, instead of ending the transaction with a syntax error. */
export function rowId(id: string): string {
  return isUuid(id) ? id : NO_ID;
}

/** The reserved organization that owns system tasks and templates, visible to every organization. */
export const SYSTEM_ORG_ID: OrgId = '00000000-0000-7000-8000-000000000001';
