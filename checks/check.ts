/** A few of everything in seconds, for `npm test`, or the size at which the promise is made. */
export type CheckSize = 'small' | 'full';

/** What a check found. */
export interface CheckOutcome {
  readonly passed: boolean;
  /** The figures that decide, in one line: `crash 42/42, lost 0, doubled 0`. */
  readonly line: string;
  /** All figures, as JSON. */
  readonly figures: object;
}

/** A promise that is tried with real processes on the real server. */
export interface Check {
  readonly name: string;
  /** Prints what it finds on its way; its figures are in the outcome. A shortfall is an outcome, not an error. */
  run(size: CheckSize, print: (line: string) => void): Promise<CheckOutcome>;
}
