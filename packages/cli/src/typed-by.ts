import { ValidationFailedError } from '@mad/core';
import { CommandUsageError } from './errors.ts';

/** What was typed for one place of a request. */
export interface Typed {
  readonly option: string;
  readonly expected: string;
  readonly text: string | undefined;
}

/** Runs it, and tells by its option what the library refuses of what was typed. @throws {CommandUsageError} */
export async function typedBy<Result>(
  typed: Readonly<Record<string, Typed>>,
  run: () => Promise<Result>,
): Promise<Result> {
  try {
    return await run();
  } catch (error) {
    if (!(error instanceof ValidationFailedError)) throw error;
    const [found] = error.issues.flatMap(({ pointer }) => typed[pointer] ?? []);
    if (found?.text === undefined) throw error;
    throw new CommandUsageError({ ...found, got: JSON.stringify(found.text) });
  }
}
