/** A digest as a regular expression finds it in a longer text. */
export const DIGEST_PATTERN = '[0-9a-f]{64}';

const DIGEST = new RegExp(`^${DIGEST_PATTERN}$`);

export function isDigest(text: string): boolean {
  return DIGEST.test(text);
}
