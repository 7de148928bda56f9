import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

export interface Confirmation {
  /** What is about to happen, as a sentence. */
  readonly warning: string;
  /** What must be typed to let it happen. */
  readonly word: string;
  readonly yes: true | undefined;
}

/** Lets a command that destroys go on with `--yes`, or when the word is typed at a terminal. @throws {CommandUsageError} */
export async function confirm({ ask }: Terminal, { warning, word, yes }: Confirmation): Promise<void> {
  if (yes) return;
  if (ask === undefined)
    throw new CommandUsageError({
      option: '--yes',
      expected: `this option, or ${word} typed at a terminal`,
      got: `neither; nothing was done, since ${warning}`,
    });
  const answer = await ask(`${warning}. Type ${word} to go on: `);
  if (answer.trim() !== word)
    throw new CommandUsageError({
      option: '--yes',
      expected: `${JSON.stringify(word)} to be typed`,
      got: 'something else; nothing was done',
    });
}
