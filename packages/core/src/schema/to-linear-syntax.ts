/** A regular expression in the syntax of the linear engine. */
export interface LinearSyntax {
  readonly source: string;
  /** About how many instructions it becomes: compiling takes as long. */
  readonly size: number;
  /** How many of them may be under way at one sign of a text. */
  readonly width: number;
}

// What ECMAScript calls white space; the engine's own \s is a part of it.
const SPACE = '\\t-\\r\\x20\\x{A0}\\x{1680}\\x{2000}-\\x{200A}\\x{2028}\\x{2029}\\x{202F}\\x{205F}\\x{3000}\\x{FEFF}';
const NO_SPACE =
  '\\x00-\\x08\\x0E-\\x1F\\x21-\\x{9F}\\x{A1}-\\x{167F}\\x{1681}-\\x{1FFF}\\x{200B}-\\x{2027}\\x{202A}-\\x{202E}' +
  '\\x{2030}-\\x{205E}\\x{2060}-\\x{2FFF}\\x{3001}-\\x{FEFE}\\x{FF00}-\\x{10FFFF}';
const ANY = '\\x00-\\x{10FFFF}';
const CATEGORIES: ReadonlyMap<string, string> = new Map([
  ['Letter', 'L'],
  ['Uppercase_Letter', 'Lu'],
  ['Lowercase_Letter', 'Ll'],
  ['Mark', 'M'],
  ['Number', 'N'],
  ['Decimal_Number', 'Nd'],
  ['Punctuation', 'P'],
  ['Symbol', 'S'],
  ['Separator', 'Z'],
  ['Other', 'C'],
]);

const SURROGATES = String.raw`\\u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}`;
const ESCAPE = String.raw`${SURROGATES}|\\u\{[\da-fA-F]+\}|\\u[\da-fA-F]{4}|\\x[\da-fA-F]{2}|\\c[A-Za-z]|\\[pP]\{[^}]*\}|\\.`;
const IN_TEXT = new RegExp(
  String.raw`${ESCAPE}|\(\?<?[=!]|\(\?<[^>]*>|\(\?[^:]*:|\(|[*+?]\??|\{\d+(?:,\d*)?\}\??|\[\^?\]|\[\^?|.`,
  'suy',
);
const IN_CLASS = new RegExp(`${ESCAPE}|.`, 'suy');
const MAX_LENGTH = 10_000;
const MAX_NESTING = 100;

/**
 * Writes an ECMAScript regular expression, as its `u` flag reads it, in the syntax of the linear engine, to which some signs mean other things.
 * @throws {SyntaxError} when it is none, or asks for what takes backtracking
 */
export function toLinearSyntax(pattern: string): LinearSyntax {
  if (pattern.length > MAX_LENGTH) throw new SyntaxError(`it is longer than ${MAX_LENGTH} characters`);
  // The engine's syntax knows more; what is no expression of ECMAScript is no pattern of JSON Schema.
  new RegExp(pattern, 'u');
  const size = createSize();
  let source = '';
  let isInClass = false;
  for (let at = 0; at < pattern.length; ) {
    const read: RegExp = isInClass ? IN_CLASS : IN_TEXT;
    read.lastIndex = at;
    const token: string = read.exec(pattern)?.[0] ?? pattern.slice(at);
    at += token.length;
    if (!isInClass) size.add(token);
    source += isInClass ? writeInClass(token) : writeInText(token);
    if (isInClass) isInClass = token !== ']';
    else isInClass = token === '[' || token === '[^';
  }
  const isStraight = pattern.startsWith('^') && !/[|*+?]|\{\d+,/.test(pattern);
  return { source, size: size.total() + pattern.length, width: isStraight ? 1 : size.total() };
}

function writeInText(token: string): string {
  if (token === '.') return '[^\\n\\r\\x{2028}\\x{2029}]';
  if (token === '[]') return `[^${ANY}]`;
  if (token === '[^]') return `[${ANY}]`;
  if (token === '\\s') return `[${SPACE}]`;
  if (token === '\\S') return `[^${SPACE}]`;
  if (token === '\\b' || token === '\\B') return token;
  if (/^\(\?<?[=!]/.test(token)) throw new SyntaxError('it looks ahead or behind');
  if (token.startsWith('(?<')) return '(?:';
  if (token.startsWith('(?') && token !== '(?:') throw new SyntaxError('it changes flags within');
  if (token === '(') return '(?:';
  return token.startsWith('\\') ? writeEscape(token) : token;
}

function writeInClass(token: string): string {
  if (token === '[') return '\\[';
  if (token === '&' || token === '~') return `\\${token}`;
  if (token === '\\b') return '\\x08';
  if (token === '\\s') return SPACE;
  if (token === '\\S') return NO_SPACE;
  return token.startsWith('\\') ? writeEscape(token) : token;
}

function writeEscape(token: string): string {
  const kind = token.charAt(1);
  if (kind === 'u') return `\\x{${codePointOf(token).toString(16)}}`;
  if (kind === 'c') return `\\x{${(token.charCodeAt(2) % 32).toString(16)}}`;
  if (kind === 'v') return '\\x0B';
  if (kind === '0') return '\\x00';
  if (kind === 'k' || /[1-9]/.test(kind)) throw new SyntaxError('it refers back to a group');
  if (kind === 'p' || kind === 'P') {
    const name = token.slice(3, -1).replace(/^[^=]*=/, '');
    return `\\${kind}{${CATEGORIES.get(name) ?? name}}`;
  }
  return token;
}

function codePointOf(token: string): number {
  const [first = '', second] = token.match(/[\da-fA-F]+/g) ?? [];
  if (second === undefined) return Number.parseInt(first, 16);
  return String.fromCharCode(Number.parseInt(first, 16), Number.parseInt(second, 16)).codePointAt(0) ?? 0;
}

/** Counts instructions as tokens come by: a repetition by number repeats what it stands behind. */
function createSize(): { add(token: string): void; total(): number } {
  const open = [0];
  let last = 0;
  const put = (more: number): void => {
    open.push((open.pop() ?? 0) + more);
  };
  return {
    add: (token) => {
      const times = /^\{(\d+)(,)?(\d*)\}/.exec(token);
      if (times) {
        const count = Math.max(Number(times[1]), Number(times[3]), 1) + (times[2] ? 1 : 0);
        put(last * (count - 1));
        last *= count;
      } else if (token === ')') {
        last = (open.pop() ?? 0) + 1;
        put(last);
      } else if (token.startsWith('(')) {
        if (open.length > MAX_NESTING) throw new SyntaxError(`it nests groups deeper than ${MAX_NESTING}`);
        open.push(0);
      } else {
        if (!/^[*+?]/.test(token)) last = 1;
        put(1);
      }
    },
    total: () => open.reduce((sum, size) => sum + size, 0),
  };
}
