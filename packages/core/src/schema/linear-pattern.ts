import { RE2JS } from 're2js';
import { Recent } from '../recent.ts';
import { type LinearSyntax, toLinearSyntax } from './to-linear-syntax.ts';

/** A regular expression whose tests take steps in proportion to the text, however it is written. */
export interface LinearPattern {
  /** What compiling it took, about, in instructions. */
  readonly size: number;
  /** Steps that a test of the text takes at most. */
  costOf(text: string): number;
  test(text: string): boolean;
}

const MAX_SIZE = 20_000;
const MAX_KEPT = 1_000;
const kept = new Recent<string, LinearPattern>(MAX_KEPT);

/**
 * Compiles a regular expression, as JSON Schema means it, for an engine without backtracking.
 * @throws {SyntaxError} when it is none, or the engine cannot take it: it looks ahead or behind, refers back, or is too large
 */
export function compilePattern(pattern: string): LinearPattern {
  const known = kept.get(pattern);
  if (known) return known;
  const { engine, size, width } = compile(pattern);
  const fresh: LinearPattern = {
    size,
    costOf: (text) => 16 + text.length * width,
    test: (text) => engine.test(text),
  };
  kept.set(pattern, fresh);
  return fresh;
}

function compile(pattern: string): Omit<LinearSyntax, 'source'> & { readonly engine: RE2JS } {
  try {
    const { source, size, width } = toLinearSyntax(pattern);
    if (size > MAX_SIZE) throw new SyntaxError('its repetitions make it too large');
    return { engine: RE2JS.compile(source), size, width };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const shown = pattern.length > 100 ? `${pattern.slice(0, 100)}…` : pattern;
    throw new SyntaxError(`the regular expression ${shown} cannot be checked without backtracking: ${reason}`, {
      cause: error,
    });
  }
}
