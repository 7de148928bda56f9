import { closestMatch } from 'leven';
import { ValidationFailedError, type ValidationIssue } from './errors.ts';
import { readPlainly } from './read-plainly.ts';

/** Of a key so much is shown, and so many keys are told of. */
const MAX_SHOWN = 100;
const MAX_TOLD = 20;
/** What differs in more characters is another word. */
const MAX_TYPOS = 4;

/** An issue for each key that is none of the known ones: passed over, it would let something run as nobody asked. */
export function listUnknownKeys(value: unknown, known: readonly string[]): readonly ValidationIssue[] {
  if (typeof value !== 'object' || value === null) return [];
  const unknown = Object.keys(value).filter((key) => !known.includes(key));
  return unknown.slice(0, MAX_TOLD).map((key) => {
    // It must not travel on in the message or into a jsonb column as it came.
    const shown = key.slice(0, MAX_SHOWN).toWellFormed().replaceAll('\0', '\u{fffd}');
    const near = closestMatch(shown, known, { maxDistance: MAX_TYPOS });
    const hint = near === undefined ? `expected one of ${known.join(', ')}` : `did you mean ${near}?`;
    return { pointer: `/${shown.replaceAll('~', '~0').replaceAll('/', '~1')}`, message: `no such option; ${hint}` };
  });
}

/** @throws {ValidationFailedError} for keys that are none of the known ones, and for what throws when it is read */
export function refuseUnknownKeys(subject: string, value: unknown, known: readonly string[]): void {
  const issues = readPlainly(subject, () => listUnknownKeys(value, known));
  if (issues.length > 0) throw new ValidationFailedError({ subject, issues });
}
