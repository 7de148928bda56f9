import type { Digest } from '@mad/core';
import { digest } from './digest.ts';

/**
 * The digest of a file without those bytes that cannot matter to a reader of its format, so that the same molecule downloaded twice is one.
 * Line ends and trailing blanks go in every chemical text format; the program and time stamp on the second header line of every SDF or MOL
 * record (its dimension code stays: readers perceive stereochemistry by it); REMARK and AUTHOR records and the HEADER date of a PDB file.
 * Atoms are never reordered. Other content types, and text that is not UTF-8, count by their exact bytes.
 */
export function normalizedDigest(content: Uint8Array | string, contentType: string): Digest {
  const normalize = NORMALIZERS.get(contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '');
  const text = normalize && textOf(content);
  return digest(normalize && text !== undefined ? normalize(text) : content);
}

type Normalizer = (text: string) => string;

const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());

const normalizeLines: Normalizer = (text) => lines(text).join('\n');

const normalizePdb: Normalizer = (text) =>
  lines(text)
    .filter((line) => !/^(REMARK|AUTHOR)/.test(line))
    // Columns 51–59 hold the date of deposition.
    .map((line) =>
      line.startsWith('HEADER') ? `${line.slice(0, 50).padEnd(50)}${' '.repeat(9)}${line.slice(59)}`.trimEnd() : line,
    )
    .join('\n');

const normalizeSdf: Normalizer = (text) => {
  let lineOfRecord = 0;
  return lines(text)
    .map((line) => {
      lineOfRecord = line === '$$$$' ? 0 : lineOfRecord + 1;
      // Columns 21–22 hold the dimension code, 2D or 3D.
      return lineOfRecord === 2 ? line.slice(20, 22).trim() : line;
    })
    .join('\n');
};

const NORMALIZERS: ReadonlyMap<string, Normalizer> = new Map([
  ['chemical/x-pdb', normalizePdb],
  ['chemical/x-pdbqt', normalizeLines],
  ['chemical/x-mdl-sdfile', normalizeSdf],
  ['chemical/x-mdl-molfile', normalizeSdf],
  ['chemical/x-mol2', normalizeLines],
  ['chemical/x-daylight-smiles', normalizeLines],
]);

function textOf(content: Uint8Array | string): string | undefined {
  if (typeof content === 'string') return content;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
