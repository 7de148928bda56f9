/** What of a text decides what it means to a reader of its format, as text; undefined where every byte counts. Must not reject, and give the same for ever. */
export type Normalizer = (text: string) => string | undefined | Promise<string | undefined>;

/** Content type without parameters, in lower case → how it is normalized. */
export type Normalizers = Readonly<Record<string, Normalizer>>;

const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());

const normalizeLines = (text: string): string => lines(text).join('\n');

const normalizePdb = (text: string): string =>
  lines(text)
    .filter((line) => !/^(REMARK|AUTHOR)/.test(line))
    // Columns 51–59 hold the date of deposition.
    .map((line) =>
      line.startsWith('HEADER') ? `${line.slice(0, 50).padEnd(50)}${' '.repeat(9)}${line.slice(59)}`.trimEnd() : line,
    )
    .join('\n');

const normalizeSdf = (text: string): string => {
  let lineOfRecord = 0;
  return lines(text)
    .map((line) => {
      lineOfRecord = line === '$$$$' ? 0 : lineOfRecord + 1;
      // Columns 21–22 hold the dimension code, 2D or 3D.
      return lineOfRecord === 2 ? line.slice(20, 22).trim() : line;
    })
    .join('\n');
};

export const BUILT_IN_NORMALIZERS = {
  'chemical/x-pdb': normalizePdb,
  'chemical/x-pdbqt': normalizeLines,
  'chemical/x-mdl-sdfile': normalizeSdf,
  'chemical/x-mdl-molfile': normalizeSdf,
  'chemical/x-mol2': normalizeLines,
  'chemical/x-daylight-smiles': normalizeLines,
} satisfies Record<string, (text: string) => string>;

/** `Chemical/X-PDB; charset=utf-8` is `chemical/x-pdb`. */
export function bareType(contentType: string): string {
  return contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '';
}

/** UTF-8 that is none has no text. */
export function textOf(content: Uint8Array): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(content);
  } catch {
    return undefined;
  }
}
