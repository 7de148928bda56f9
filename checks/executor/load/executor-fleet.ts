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
  /** @throws when a process has ended by itself: what a check waits for might never come. */
  requireAll(): void;
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
    await Promise.race([once(child.stdout, 'data'), once(child, 'exit')]);
    ready.add(child);
  };
  const requireAll = (): void => {
    for (const { pid, exitCode, signalCode } of children)
      if (exitCode !== null || signalCode !== null)
        throw new TypeError(`the executor in process ${pid} ended by itself, with ${exitCode ?? signalCode}`);
  };
  await Promise.all(Array.from({ length: count }, start));
  requireAll();
  return {
    async replaceOldest() {
      const [oldest, another] = ready;
      if (!oldest || !another) return false;
      requireAll();
      ready.delete(oldest);
      children.delete(oldest);
      await kill(oldest);
      void start();
      return true;
    },
    requireAll,
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

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
