import { InvalidDockingOptionsError } from '../errors.ts';

/** Largest seed that Vina reads, and largest of its other numbers: each is a signed 32-bit integer. */
export const maxVinaSeed = 2 ** 31 - 1;

/** Longest time that a timer of Node.js can wait; past it, it would fire at once. */
const maxTimeoutMs = 2 ** 31 - 1;

export interface VinaOptions {
  readonly exhaustiveness?: number | undefined;
  readonly numModes?: number | undefined;
  readonly energyRange?: number | undefined;
  readonly seed?: number | undefined;
  readonly cpu?: number | undefined;
  readonly timeoutMs?: number | undefined;
}

/**
 * Refuses numbers on which Vina would abort, which looks as if its machine had killed it, or would read another number than was meant.
 * @throws {InvalidDockingOptionsError}
 */
export function checkVinaOptions(options: VinaOptions): void {
  for (const { option, expected, accepts } of rules) {
    const value = options[option];
    if (value !== undefined && !accepts(value)) throw new InvalidDockingOptionsError({ option, expected, value });
  }
}

const wholeFrom = (smallest: number) => ({
  expected: `a whole number from ${smallest} to ${maxVinaSeed}`,
  accepts: (value: number) => Number.isInteger(value) && value >= smallest && value <= maxVinaSeed,
});

const positiveUpTo = (largest: number) => ({
  expected: `a number above 0 and at most ${largest}`,
  accepts: (value: number) => value > 0 && value <= largest,
});

interface Rule {
  readonly option: keyof VinaOptions;
  readonly expected: string;
  readonly accepts: (value: number) => boolean;
}

const rules: readonly Rule[] = [
  { option: 'exhaustiveness', ...wholeFrom(1) },
  { option: 'numModes', ...wholeFrom(1) },
  { option: 'energyRange', ...positiveUpTo(Number.MAX_VALUE) },
  { option: 'seed', ...wholeFrom(0) },
  { option: 'cpu', ...wholeFrom(0) },
  { option: 'timeoutMs', ...positiveUpTo(maxTimeoutMs) },
];
