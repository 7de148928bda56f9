import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { ExecutorProcess } from './executor-process.ts';

/** Executors in processes of their own; disposing kills them. */
export interface ExecutorFleet extends AsyncDisposable {
  /**
   * Kills the process that has taken jobs longest, by SIGKILL, and starts another. Resolves when the first is gone; false when no other takes jobs yet, and
   * none was killed.
   */
  replaceOldest(): Promise<boolean>;
}

/** Starts so many processes, and resolves when all of them take jobs. */
export async function startFleet(count: number, told: ExecutorProcess): Promise<ExecutorFleet> {
  const children = new Set<ChildProcess>();
  const ready = new Set<ChildProcess>();
  const killAll = () => {
    for (const child of children) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  const start = async (): Promise<void> => {
    const child = startProcess(told);
    children.add(child);
    await once(child.stdout, 'data');
    ready.add(child);
  };
  await Promise.all(Array.from({ length: count }, start));
  return {
    async replaceOldest() {
      const [oldest, another] = ready;
      if (!oldest || !another) return false;
      ready.delete(oldest);
      children.delete(oldest);
      await kill(oldest);
      void start();
      return true;
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', killAll);
      await Promise.all([...children].map(kill));
    },
  };
}

function startProcess(told: ExecutorProcess): ChildProcessByStdio<Writable, Readable, null> {
  const script = fileURLToPath(new URL('executor-process.ts', import.meta.url));
  // What the first processes have compiled the later ones read: a start takes half of the processor's time.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(told.folder, '.compiled') };
  return spawn(process.execPath, [script, JSON.stringify(told)], { stdio: ['pipe', 'pipe', 'inherit'], env });
}

/** @throws when it has ended by itself: executors of a check never do. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) throw new TypeError(`an executor ended by itself with ${child.exitCode}`);
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
