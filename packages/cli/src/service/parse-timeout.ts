import { CommandUsageError } from '../errors.ts';

const MAX_SECONDS = 86_400;

/** Seconds as milliseconds. @throws {CommandUsageError} */
export function parseTimeout(text: string): number {
  const seconds = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : 0;
  if (seconds > 0 && seconds <= MAX_SECONDS) return Math.ceil(seconds * 1_000);
  throw new CommandUsageError({
    option: '--timeout',
    expected: 'seconds, a number above 0 and up to a day',
    got: JSON.stringify(text),
  });
}
