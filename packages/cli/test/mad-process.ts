import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export interface FinishedProcess {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

// Modules compiled by one process are not compiled again by the next.
const { PATH, NODE_COMPILE_CACHE } = process.env;

/** Runs `mad` in a process of its own, with nothing of this one's environment but PATH and the place of compiled modules. */
export async function mad(args: readonly string[], env: Record<string, string> = {}): Promise<FinishedProcess> {
  const child = spawn(process.execPath, [main, ...args], {
    env: { PATH, NODE_COMPILE_CACHE, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exit = new Promise<number | null>((resolve, reject) => child.on('exit', resolve).on('error', reject));
  const [code, out, err] = await Promise.all([exit, text(child.stdout), text(child.stderr)]);
  return { code, out, err };
}
