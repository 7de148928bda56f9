import { ValidationFailedError } from '@mad/core';
import { hash, parseOptions, verify } from '@node-rs/argon2';
import { requireObject } from '../access/require-object.ts';

const FEWEST = 8;
const MOST = 1_024;

/** How passwords are kept. The default is argon2id; a host may count or queue the work by one of its own around it. */
export interface PasswordHasher {
  /** The password as it is stored, in PHC form. */
  hash(password: string): Promise<string>;
  /** False for any other password, and for what is no hash of this kind. */
  verify(hashed: string, password: string): Promise<boolean>;
  /** True when the hash was made with less work than this hasher takes: it is made anew at the next sign-in. */
  isWeaker(hashed: string): boolean;
}

/** The work of one argon2id hash. */
export interface PasswordCost {
  /** @default 19_456 (19 MiB), at least that */
  readonly memoryKib?: number | undefined;
  /** @default 2, at least that */
  readonly passes?: number | undefined;
  /** @default 1 */
  readonly lanes?: number | undefined;
}

/** What `Algorithm.Argon2id` is: a const enum of another package has no value here. */
const ARGON2ID = 2;

const form = (hashed: string): boolean => hashed.startsWith('$argon2id$');

/** Hashes by argon2id, off the main thread. @throws {ValidationFailedError} for less work than 19 MiB, 2 passes, 1 lane. */
export function createPasswordHasher(cost: PasswordCost = {}): PasswordHasher {
  const { memoryKib = 19_456, passes = 2, lanes = 1 } = requireObject(cost, 'password cost');
  const issues = [
    { pointer: '/memoryKib', value: memoryKib, least: 19_456, most: 4_194_304 },
    { pointer: '/passes', value: passes, least: 2, most: 100 },
    { pointer: '/lanes', value: lanes, least: 1, most: 255 },
  ].filter(({ value, least, most }) => !Number.isInteger(value) || value < least || value > most);
  if (issues.length > 0) {
    throw new ValidationFailedError({
      subject: 'password cost',
      issues: issues.map(({ pointer, least, most }) => ({ pointer, message: `expected ${least} to ${most}` })),
    });
  }
  return {
    hash: (password) =>
      hash(password, { algorithm: ARGON2ID, memoryCost: memoryKib, timeCost: passes, parallelism: lanes }),
    verify: (hashed, password) => (form(hashed) ? verify(hashed, password).catch(() => false) : Promise.resolve(false)),
    isWeaker(hashed) {
      if (!form(hashed)) return true;
      const { memoryCost, timeCost, parallelism } = parseOptions(hashed);
      return memoryCost < memoryKib || timeCost < passes || parallelism < lanes;
    },
  };
}

export const defaultPasswordHasher = createPasswordHasher();

/**
 * A hash of nobody's password that takes as much work as `done` takes less than `whole`; undefined where it takes no less, or one of them is of another kind.
 * The work of argon2id is its memory times its passes.
 */
export function restOfWork(done: string, whole: string): string | undefined {
  if (!form(done) || !form(whole)) return undefined;
  try {
    const [less, more] = [parseOptions(done), parseOptions(whole)];
    const memoryKib = Math.round((more.memoryCost * more.timeCost - less.memoryCost * less.timeCost) / more.timeCost);
    // Argon2 takes no less than 8 KiB a lane.
    if (memoryKib < 8 * more.parallelism) return undefined;
    return `$argon2id$v=19$m=${memoryKib},t=${more.timeCost},p=${more.parallelism}$${'A'.repeat(22)}$${'A'.repeat(43)}`;
  } catch {
    return undefined;
  }
}

/**
 * The password as it is hashed: normalized by NFKC, so that one typed on another keyboard is the same (NIST SP 800-63B, 3.1.1.2). 8 to 1,024
 * characters, of any kind. @throws {ValidationFailedError}
 */
export function checkPassword(password: string): string {
  const normalized = tryNormalize(password);
  if (normalized === undefined) {
    const message = `expected ${FEWEST} to ${MOST} characters`;
    throw new ValidationFailedError({ subject: 'password', issues: [{ pointer: '/password', message }] });
  }
  return normalized;
}

/** The same; undefined for what can be nobody's password. */
export function tryNormalize(password: unknown): string | undefined {
  // No form of a text is shorter than an 18th of it, and a long one is not worth normalizing.
  if (typeof password !== 'string' || password.length > 18 * MOST || !password.isWellFormed()) return undefined;
  const normalized = password.normalize('NFKC');
  const { length } = [...normalized];
  return length >= FEWEST && length <= MOST ? normalized : undefined;
}
