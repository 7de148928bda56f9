import isSafePattern from 'safe-regex2';

const MAX_COST = 1_000_000;

/** Whether a text matches a regular expression as JSON Schema means it; undefined where asking could take for ever, or it is none. */
export function matchesPattern(pattern: string, text: string): boolean | undefined {
  if (costOf(pattern, text) > MAX_COST || !isSafePattern(pattern)) return undefined;
  try {
    return new RegExp(pattern, 'u').test(text);
  } catch {
    return undefined;
  }
}

/** What backtracking can come to at worst: each repetition splits the text anew, and within one each alternative may be tried at each place. */
function costOf(pattern: string, text: string): number {
  const repetitions = count(pattern, /[*+?{]/g);
  const alternatives = count(pattern, /\|/g) + 1;
  if (repetitions === 0) return text.length * alternatives;
  if (alternatives > 1) return (alternatives + repetitions) ** text.length;
  let splits = 1;
  for (let index = 1; index <= repetitions && splits <= MAX_COST; index++)
    splits = (splits * (text.length + index)) / index;
  return splits;
}

const count = (text: string, what: RegExp): number => text.match(what)?.length ?? 0;
