import { isIPv6 } from 'node:net';
import { checkRequest, countSignInAttempts, inAllOrganizations, type MetadataDatabase } from '@mad/core';
import { z } from 'zod';
import { sha256 } from '../access/token/bearer.ts';

/** How often a sign-in by password may be tried, in windows of time by the database's clock. */
export interface SignInLimits {
  /** For one account, wherever the tries come from; a sign-in that succeeds begins the count anew. @default 20 */
  readonly perAccount: number;
  /** From one address (of IPv6 one network of 64 bits), for whatever accounts. @default 100 */
  readonly perAddress: number;
  /** @default 15 minutes */
  readonly windowMs: number;
}

/** Some of them; the others are the defaults. */
export type SomeLimits = { readonly [Limit in keyof SignInLimits]?: SignInLimits[Limit] | undefined };

const tries = z.int().min(0);
const schema = z.object({
  perAccount: tries.default(20),
  perAddress: tries.default(100),
  windowMs: z
    .int()
    .min(1)
    .max(366 * 86_400_000)
    .default(15 * 60_000),
});

/** The limits that a host gave; what it left out, or gave as undefined, is the default. @throws {ValidationFailedError} */
export const parseLimits = (limits: SomeLimits = {}): SignInLimits =>
  checkRequest(schema, { subject: 'sign-in limits', value: limits });

export interface SignInAttempt {
  readonly email: string;
  readonly address: string | undefined;
}

/** The key under which an account's attempts are counted, whether or not there is such an account: of an address that is ASCII, as all accounts' are. */
export const accountKey = (email: string): string => sha256(`account ${email.toLowerCase()}`);

/** Counts the attempt, and tells whether it may go on: tries that run at once are all counted before any password is looked at. */
export async function countAttempt(
  metadata: MetadataDatabase,
  { email, address }: SignInAttempt,
  { perAccount, perAddress, windowMs }: SignInLimits,
): Promise<boolean> {
  const limits = new Map([[accountKey(email), perAccount]]);
  if (address !== undefined) limits.set(sha256(`address ${networkOf(address)}`), perAddress);
  const counts = await inAllOrganizations(metadata, (tx) =>
    countSignInAttempts(tx, { keys: [...limits.keys()], windowMs }),
  );
  return [...limits].every(([key, limit]) => (counts.get(key) ?? 0) <= limit);
}

/** One who has an IPv6 address has the other 2^64 of its network too. */
function networkOf(address: string): string {
  const [plain = ''] = address.split('%');
  if (!isIPv6(plain)) return address;
  const [head = '', tail] = new URL(`http://[${plain}]`).hostname.slice(1, -1).split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail ? tail.split(':') : [];
  const all = tail === undefined ? groups : [...groups, ...Array(8 - groups.length - last.length).fill('0'), ...last];
  // An IPv4 address in IPv6 form is one address.
  return all.slice(0, 6).join(':') === '0:0:0:0:0:ffff' ? all.join(':') : all.slice(0, 4).join(':');
}
