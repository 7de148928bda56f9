import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { RouterProcess, RouterReport } from './router-process.ts';

export interface RunRouters extends RouterProcess {
  readonly processes: number;
  /** How many connections to Results DBs there are. */
  readonly untilIdle: () => Promise<number>;
  /** So long that idle connections are closed. */
  readonly wait: () => Promise<void>;
}

const PROGRAM = fileURLToPath(new URL('router-process.ts', import.meta.url));

/** Runs the processes side by side; when all have answered and waited, counts what they still hold while they live. */
export async function runRouters({ processes, untilIdle, wait, ...given }: RunRouters): Promise<{
  readonly reports: readonly RouterReport[];
  readonly connectionsLeft: number;
}> {
  const routers = Array.from({ length: processes }, () =>
    spawn(process.execPath, ['--expose-gc', PROGRAM, JSON.stringify(given)], { stdio: ['pipe', 'pipe', 'inherit'] }),
  );
  try {
    const reports = await Promise.all(
      routers.map(async ({ stdout }) => {
        for await (const line of createInterface({ input: stdout })) return JSON.parse(line) as RouterReport;
        throw new TypeError('a router ended without its report');
      }),
    );
    await wait();
    return { reports, connectionsLeft: await untilIdle() };
  } finally {
    for (const router of routers) {
      router.stdin.end();
      if (router.exitCode === null) await once(router, 'exit');
    }
  }
}
