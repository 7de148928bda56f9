import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';
import { ProgramFailedError, ProgramMissingError, ProgramTimeoutError } from '../errors.ts';

/** How long a program may go on after SIGTERM before it is killed outright. */
const graceMs = 2000;

export interface RunProgram {
  readonly program: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly signal?: AbortSignal | undefined;
  /** No limit when absent. */
  readonly timeoutMs?: number | undefined;
  /** Each of stdout and stderr keeps its last this many characters. @default 262144 */
  readonly keepOutput?: number | undefined;
  /** Called with each piece of stdout as it comes. */
  readonly onStdout?: ((text: string) => void) | undefined;
}

export interface ProgramEnd {
  /** null when a signal ended it. */
  readonly exitCode: number | null;
  readonly killedBy: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Runs a program to its end, without a shell and with stdin closed. Returns for any exit code: 0 is not success, look at what it wrote. On abort
 * and on timeout its whole process group is terminated, and killed when that does not help, before this returns.
 * @throws {ProgramMissingError} {ProgramTimeoutError} the signal's reason when aborted.
 */
export async function runProgram(run: RunProgram): Promise<ProgramEnd> {
  const { program, args, cwd, signal, timeoutMs, keepOutput = 262_144, onStdout } = run;
  signal?.throwIfAborted();
  // Its own group: what the program starts itself ends with it.
  const child = spawn(program, args, { cwd, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
  const stdout = keepTail(child.stdout, keepOutput, onStdout);
  const stderr = keepTail(child.stderr, keepOutput);
  let stopped: 'abort' | 'timeout' | undefined;
  const stop = (why: 'abort' | 'timeout') => {
    stopped ??= why;
    killGroup(child, 'SIGTERM');
    timers.push(setTimeout(() => killGroup(child, 'SIGKILL'), graceMs));
  };
  const timers: NodeJS.Timeout[] = [];
  if (timeoutMs !== undefined) timers.push(setTimeout(() => stop('timeout'), timeoutMs));
  const onAbort = () => stop('abort');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const { exitCode, killedBy } = await ended(child, run);
    if (stopped === 'abort') throw signal?.reason;
    if (stopped === 'timeout') throw new ProgramTimeoutError({ program, timeoutMs: timeoutMs ?? 0 });
    return { exitCode, killedBy, stdout: stdout(), stderr: stderr() };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    signal?.removeEventListener('abort', onAbort);
  }
}

type Child = ChildProcessByStdio<null, Readable, Readable>;

function ended(child: Child, { program }: RunProgram): Promise<Pick<ProgramEnd, 'exitCode' | 'killedBy'>> {
  return new Promise((resolve, reject) => {
    child.once('error', (cause: NodeJS.ErrnoException) => {
      const missing = cause.code === 'ENOENT' || cause.code === 'EACCES';
      reject(
        missing
          ? new ProgramMissingError({ program })
          : new ProgramFailedError({
              program,
              exitCode: null,
              reason: `it could not be started (${cause.code})`,
              cause,
            }),
      );
    });
    child.once('close', (exitCode, killedBy) => resolve({ exitCode, killedBy }));
  });
}

function keepTail(stream: Readable, limit: number, onText?: (text: string) => void): () => string {
  let kept = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    kept = (kept + text).slice(-limit);
    onText?.(text);
  });
  return () => kept;
}

function killGroup(child: Child, signal: NodeJS.Signals): void {
  if (child.pid === undefined) return;
  try {
    process.kill(-child.pid, signal);
  } catch {
    // The group has ended in the meantime.
  }
}
