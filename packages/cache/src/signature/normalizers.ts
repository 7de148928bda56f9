/** What of a text decides what it means to a reader of its format, as text; undefined where every byte counts. Must not reject, and give the same for ever. */
export type Normalizer = (text: string) => string | undefined | Promise<string | undefined>;

/** Content type without parameters, in lower case → how it is normalized. */
export type Normalizers = Readonly<Record<string, Normalizer>>;

const lines = (text: string): string[] => text.split('\n').map((line) => line.trimEnd());

const normalizeLines = (text: string): string => lines(text).join('\n');

const normalizePdb = (text: string): string =>
  lines(text)
    // The name of a record fills six columns: another begins a longer word.
    .filter((line) => !/^(REMARK|AUTHOR)( |$)/.test(line))
    // Columns 51–59 hold the date of deposition.
    .map((line) =>
      /^HEADER( |$)/.test(line) ? `${line.slice(0, 50).padEnd(50)}${' '.repeat(9)}${line.slice(59)}`.trimEnd() : line,
    )
    .join('\n');

/** Three lines of header, and that of the counts. */
const HEAD_OF_RECORD = 4;
/** Of atoms and of bonds, three columns each. */
const COUNTS = /^ *\d+ *\d+/;
const END_OF_RECORD = '$$$$';

const normalizeMol = (text: string): string => {
  const all = lines(text);
  dropStamp(all, { from: 0, to: all.length });
  return all.join('\n');
};

const normalizeSdf = (text: string): string => {
  const all = lines(text);
  let from = 0;
  for (let to = 0; to <= all.length; to++) {
    // Before the counts it ends nothing, but may be a name.
    if (to < all.length && (all[to] !== END_OF_RECORD || to - from < HEAD_OF_RECORD)) continue;
    dropStamp(all, { from, to });
    from = to + 1;
  }
  return all.join('\n');
};

/** Drops the program and time from the second line of a record, where all readers agree which line that is. */
function dropStamp(all: string[], { from, to }: { readonly from: number; readonly to: number }): void {
  const head = all.slice(from, Math.min(from + HEAD_OF_RECORD, to));
  if (head.includes(END_OF_RECORD) || !COUNTS.test(head[HEAD_OF_RECORD - 1] ?? '')) return;
  // Columns 21–22 hold the dimension code, 2D or 3D.
  all[from + 1] = all[from + 1]?.slice(20, 22).trim() ?? '';
}

export const BUILT_IN_NORMALIZERS = {
  'chemical/x-pdb': normalizePdb,
  'chemical/x-pdbqt': normalizeLines,
  'chemical/x-mdl-sdfile': normalizeSdf,
  'chemical/x-mdl-molfile': normalizeMol,
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
