import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

export interface RunUntilDeath {
  /** The file of the process. */
  readonly script: URL;
  /** Goes to it as JSON in its first argument. */
  readonly told: object;
  readonly withinMs: number;
}

/** Runs a process that is to kill itself, by SIGKILL. False when it did not within the time: then it was ended here, or has ended in another way. */
export async function runUntilDeath({ script, told, withinMs }: RunUntilDeath): Promise<boolean> {
  const child = spawn(process.execPath, [fileURLToPath(script), JSON.stringify(told)], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const late = setTimeout(withinMs, 'late' as const, { ref: false });
  const first = await Promise.race([exit, late]);
  child.stdin.end();
  if (first !== 'late') return first[1] === 'SIGKILL';
  child.kill('SIGKILL');
  await exit;
  return false;
}
