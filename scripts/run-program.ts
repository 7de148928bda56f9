import { spawn } from 'node:child_process';
import { constants } from 'node:os';

export interface RunProgram {
  readonly args?: readonly string[];
  readonly cwd?: string;
  /** `stderr` keeps stdout free for the script's own answer. @default 'inherit' */
  readonly output?: 'inherit' | 'stderr';
  readonly env?: NodeJS.ProcessEnv;
}

/** Runs a program on this terminal and returns its exit code, 128 + n when signal n ended it. Signals sent to this process reach it. */
export async function runProgram(
  program: string,
  { args = [], cwd, output = 'inherit', env = process.env }: RunProgram = {},
): Promise<number> {
  const child = spawn(program, args, { cwd, env, stdio: output === 'stderr' ? ['ignore', 2, 2] : 'inherit' });
  const passOn = (signal: NodeJS.Signals): void => {
    // A terminal's Ctrl-C reaches the child by itself.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, passOn);
  try {
    return await new Promise((resolve, reject) => {
      child.on('error', reject);
      child.on('exit', (code, signal) => resolve(signal ? 128 + constants.signals[signal] : (code ?? 1)));
    });
  } finally {
    for (const signal of signals) process.off(signal, passOn);
  }
}
