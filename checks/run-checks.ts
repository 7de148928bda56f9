import type { Check, CheckOutcome, CheckSize } from './check.ts';

/** What a check found, and how long it took; its own error, where it did not come to an end, is a shortfall. */
export interface CheckReport extends CheckOutcome {
  readonly name: string;
  readonly seconds: number;
}

export interface RunChecks {
  readonly checks: Readonly<Record<string, () => Promise<Check>>>;
  readonly size: CheckSize;
  readonly print: (line: string) => void;
}

/** Runs checks one after the other: they would take each other's processors. One that breaks stops no other. */
export async function* runChecks({ checks, size, print }: RunChecks): AsyncGenerator<CheckReport> {
  for (const [name, load] of Object.entries(checks)) {
    const started = performance.now();
    const outcome = await load()
      .then((check) => check.run(size, print))
      .catch((error: unknown) => toShortfall(name, error));
    yield { name, ...outcome, seconds: Math.round((performance.now() - started) / 100) / 10 };
  }
}

function toShortfall(name: string, error: unknown): CheckOutcome {
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { passed: false, line: `${name} broke off: ${message}`, figures: {} };
}
