import isSafePattern from 'safe-regex2';
import { compilePattern } from './linear-pattern.ts';

const MAX_COST = 1_000_000;

/** Whether a text matches a regular expression as JSON Schema means it; undefined where asking would take long, or the validator does not take it. */
export function matchesPattern(pattern: string, text: string): boolean | undefined {
  if (!isSafePattern(pattern)) return undefined;
  try {
    const compiled = compilePattern(pattern);
    return compiled.costOf(text) > MAX_COST ? undefined : compiled.test(text);
  } catch {
    return undefined;
  }
}
