import { CommandUsageError } from '../errors.ts';
import type { Terminal } from '../terminal.ts';

/**
 * A password: typed twice at a terminal, which does not show it, or the one line of standard input. Never an argument, which other users of the
 * machine can read. @throws {CommandUsageError}
 */
export async function readPassword({ askSecret, readInput }: Terminal, email: string): Promise<string> {
  if (askSecret === undefined) return requireLine((await readInput?.()) ?? '');
  const password = await askSecret(`New password of ${email}: `);
  if (password === (await askSecret('The same again: '))) return requireLine(password);
  throw refuse('the same password twice', 'two that differ; nothing was done');
}

function requireLine(text: string): string {
  const line = text.replace(/\r?\n$/, '');
  if (line === '') throw refuse('the password', 'nothing');
  if (/[\r\n]/.test(line)) throw refuse('the password as one line', 'several lines');
  return line;
}

function refuse(expected: string, got: string): CommandUsageError {
  return new CommandUsageError({ option: 'standard input', expected, got });
}
