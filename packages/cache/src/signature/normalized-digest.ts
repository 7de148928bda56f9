import type { Digest } from '@mad/core';
import { digest } from './digest.ts';
import { BUILT_IN_NORMALIZERS, bareType, textOf } from './normalizers.ts';

/**
 * The digest of a file without those bytes that cannot matter to a reader of its format, so that the same molecule downloaded twice is one.
 * Line ends and trailing blanks go in every chemical text format; the program and time stamp on the second header line of a MOL file or of
 * every record of an SDF (its dimension code stays: readers perceive stereochemistry by it; `$$$$` ends a record only behind its counts line); REMARK and AUTHOR records and the HEADER date of a PDB file.
 * Atoms are never reordered. Other content types, and text that is not UTF-8, count by their exact bytes.
 */
export function normalizedDigest(content: Uint8Array | string, contentType: string): Digest {
  const type = bareType(contentType);
  const normalize = Object.entries(BUILT_IN_NORMALIZERS).find(([known]) => known === type)?.[1];
  const text = normalize && (typeof content === 'string' ? content : textOf(content));
  return digest(normalize && text !== undefined ? normalize(text) : content);
}
