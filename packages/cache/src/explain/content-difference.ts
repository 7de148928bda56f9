/** Where two texts differ, in words: `line 2 only`, `lines 12–15 added`; undefined where one of them is no text. */
export function contentDifference(before: Uint8Array, after: Uint8Array): string | undefined {
  const [old, now] = [toText(before), toText(after)];
  if (old === undefined || now === undefined) return undefined;
  const [a, b] = [old.split(LINE_END), now.split(LINE_END)];
  const { head, tail } = commonEnds(a, b);
  const [first, lastOld, lastNew] = [head + 1, a.length - tail, b.length - tail];
  if (first > lastOld && first > lastNew) return 'line ends only';
  if (first > lastOld) return `${linesOf(first, lastNew)} added`;
  if (first > lastNew) return `${linesOf(first, lastOld)} removed`;
  if (a.length !== b.length) return `${linesOf(first, lastOld)} replaced by ${linesOf(first, lastNew)}`;
  return sameLength(a, b);
}

/** As many differing lines are told one by one. */
const MAX_LINES = 5;
const LINE_END = /\r\n?|\n/;

function sameLength(a: readonly string[], b: readonly string[]): string {
  const lines = a.flatMap((line, index) => (line === b[index] ? [] : [index + 1]));
  const last = lines.at(-1) ?? 0;
  if (lines.length === 1) return `line ${last} only`;
  if (lines.length > MAX_LINES) return `${lines.length} of ${a.length} lines, ${linesOf(lines[0] ?? 0, last)}`;
  return `lines ${lines.slice(0, -1).join(', ')} and ${last} only`;
}

function commonEnds(a: readonly string[], b: readonly string[]): { readonly head: number; readonly tail: number } {
  const shorter = Math.min(a.length, b.length);
  let head = 0;
  while (head < shorter && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < shorter - head && a[a.length - 1 - tail] === b[b.length - 1 - tail]) tail++;
  return { head, tail };
}

const linesOf = (from: number, to: number): string => (from === to ? `line ${from}` : `lines ${from}–${to}`);

function toText(bytes: Uint8Array): string | undefined {
  if (bytes.includes(0)) return undefined;
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return undefined;
  }
}
