import { Recent } from '@mad/core';
import type { Principal } from '../find-caller.ts';
import { requireObject } from '../require-object.ts';
import { sha256 } from './bearer.ts';

/** No option remembers longer: a revoked key would go on working for so long. */
const MOST_MS = 5_000;

/** Tokens that were proven a moment ago, by their digest. One for each process; its entries cost some 2 kB each. */
export interface TokenMemory {
  find(bearer: string): Principal | undefined;
  /** `provenAt` is when its look-up began, by `performance.now()`. */
  keep(bearer: string, principal: Principal, proof: { readonly provenAt: number; readonly validMs: number }): void;
}

/**
 * Remembers at most `capacity` tokens for `rememberMs` after the look-up that proved them began: a token that is revoked, or whose holder loses
 * a role, goes on for no longer than that.
 */
export function createTokenMemory(
  options: {
    /** @default 2_000, at most 5_000 */
    readonly rememberMs?: number | undefined;
    /** @default 1_000 */
    readonly capacity?: number | undefined;
  } = {},
): TokenMemory {
  const { rememberMs = 2_000, capacity = 1_000 } = requireObject(options, 'token memory');
  const proven = new Recent<string, { readonly principal: Principal; readonly until: number }>(capacity);
  const lifetime = Math.min(rememberMs, MOST_MS);
  return {
    find(bearer) {
      const key = sha256(bearer);
      const entry = proven.get(key);
      if (entry && entry.until > performance.now()) return entry.principal;
      if (entry) proven.delete(key);
      return undefined;
    },
    keep(bearer, principal, { provenAt, validMs }) {
      proven.set(sha256(bearer), { principal, until: provenAt + Math.min(lifetime, validMs) });
    },
  };
}
