import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface RunningService extends AsyncDisposable {
  /** Where it listens; its operations are below `/<taskKey>`. */
  readonly url: string;
}

/** Starts the docking service in a process of its own, on a free port of this machine. It ends when disposed, and with this process. */
export async function startVinaService(): Promise<RunningService> {
  const main = fileURLToPath(import.meta.resolve('@mad-examples/vina-service/main'));
  // Detached: a terminal's Ctrl-C is for the quickstart alone, which gives the running job back before it ends the service.
  const child = spawn(process.execPath, [main, '--with-parent'], {
    stdio: ['pipe', 'pipe', 'inherit'],
    detached: true,
  });
  const url = await readUrl(child);
  return {
    url,
    async [Symbol.asyncDispose]() {
      child.stdin?.end();
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

async function readUrl(child: ChildProcess): Promise<string> {
  if (child.stdout) {
    for await (const line of createInterface({ input: child.stdout })) return (JSON.parse(line) as { url: string }).url;
  }
  throw new Error('the docking service ended before it was ready; start examples/vina-service by itself to see why');
}
