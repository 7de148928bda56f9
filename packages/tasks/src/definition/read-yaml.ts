import { Composer, isAlias, isMap, isScalar, isSeq, LineCounter, Parser } from 'yaml';
import { TaskDocumentRefusedError } from '../errors.ts';

// This much of the worst YAML takes a second or two; JSON of twenty times that size takes less.
const MAX_BYTES = 256 * 1024;
const MAX_ALIASES = 100;

/** What one YAML document means as plain values. @throws {TaskDocumentRefusedError} when it is no YAML, ambiguous, or too much to read. */
export function readYaml(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_BYTES)
    throw refused(`it has ${bytes} bytes of YAML, more than ${MAX_BYTES}`, { hint: 'send it as JSON' });
  const lines = new LineCounter();
  try {
    const tokens = [];
    for (const token of new Parser(lines.addNewLine).parse(text)) {
      // At the first fault: a text may hold as many of them as it has characters.
      if (token.type === 'error') throw noYaml('UNEXPECTED_TOKEN', lines.linePos(token.offset).line);
      tokens.push(token);
    }
    // Its own search for keys given twice compares every key with every other.
    const composer = new Composer({ uniqueKeys: false, logLevel: 'silent' });
    const [yaml, second] = composer.compose(tokens, true, text.length);
    const [error] = yaml?.errors ?? [];
    if (error) throw noYaml(error.code, lines.linePos(error.pos[0]).line);
    if (second) throw refused('it holds more than one YAML document');
    refuseAmbiguity(yaml?.contents, lines);
    return yaml?.toJS({ maxAliasCount: MAX_ALIASES });
  } catch (cause) {
    if (cause instanceof TaskDocumentRefusedError) throw cause;
    throw refused('its YAML is nested too deep, or its aliases multiply beyond measure', {
      hint: 'write the document without anchors, or send it as JSON',
      cause,
    });
  }
}

/** Refuses keys given twice, keys that are no text, and aliases in masses: each is searched for from the top. */
function refuseAmbiguity(root: unknown, lines: LineCounter): void {
  const stack = [root];
  let aliases = 0;
  while (stack.length > 0) {
    const node = stack.pop();
    if (isAlias(node) && ++aliases > MAX_ALIASES)
      throw refused(`it has more than ${MAX_ALIASES} YAML aliases`, { hint: 'use $ref, or send it as JSON' });
    if (isSeq(node)) for (const item of node.items) stack.push(item);
    if (!isMap(node)) continue;
    const keys = new Set<string>();
    for (const { key, value } of node.items) {
      const line = lines.linePos((isScalar(key) ? key.range : node.range)?.[0] ?? 0).line;
      if (!isScalar(key)) throw refused(`a key at line ${line} is not text`);
      const name = String(key.value ?? '');
      if (keys.has(name)) throw refused(`a key at line ${line} is given twice`);
      keys.add(name);
      stack.push(value);
    }
  }
}

const noYaml = (code: string, line: number): TaskDocumentRefusedError =>
  refused(`neither JSON nor YAML (${code} at line ${line})`);

function refused(reason: string, more: { hint?: string; cause?: unknown } = {}): TaskDocumentRefusedError {
  const { hint = 'correct the document and register it again', cause } = more;
  return new TaskDocumentRefusedError({ pointer: '', reason, hint, cause });
}
