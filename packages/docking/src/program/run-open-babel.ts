import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProgramKilledError } from '../errors.ts';
import { runProgram } from './run-program.ts';

const program = 'obabel';

export interface RunOpenBabel {
  readonly args: readonly string[];
  readonly cwd: string;
  /** The file in `cwd` that the arguments make it write. */
  readonly output: string;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs: number;
}

/**
 * What Open Babel wrote; empty when it wrote nothing, which it tells by no exit code. That it was killed says nothing about its input and is an error
 * of its own.
 * @throws {ProgramKilledError} {ProgramMissingError} {ProgramTimeoutError} the signal's reason when aborted.
 */
export async function runOpenBabel({ args, cwd, output, signal, timeoutMs }: RunOpenBabel): Promise<string> {
  const { exitCode, killedBy, stderr } = await runProgram({ program, args, cwd, signal, timeoutMs, keepOutput: 4096 });
  // 128 + signal: a shell or container between us and the program reports a kill in this way.
  if (killedBy !== null || exitCode === null || exitCode > 128)
    throw new ProgramKilledError({ program, sign: killedBy ?? `exit ${exitCode}` });
  if (/bad_alloc|[Cc]annot allocate memory/.test(stderr))
    throw new ProgramKilledError({ program, sign: 'out of memory' });
  if (/No space left|Cannot write to/.test(stderr))
    throw new ProgramKilledError({ program, sign: 'it could not write its output' });
  return readFile(join(cwd, output), 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
}
