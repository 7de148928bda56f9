import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import type { FlightProcess } from './flight-process.ts';

/** The processes of a round, all of them ready; disposing kills them. */
export interface FlightProcesses extends AsyncDisposable {
  /** Lets all of them begin in one moment. Resolves when each has submitted its share or has died. */
  begin(): Promise<void>;
  /** Those that were killed by a signal. */
  killed(): number;
  /** Those that have ended in another way: they were to live. */
  ended(): readonly string[];
}

type Child = ChildProcessByStdio<Writable, Readable, null>;

export async function startProcesses(told: readonly FlightProcess[]): Promise<FlightProcesses> {
  const children = told.map(start);
  const killAll = (): void => {
    for (const { child } of children) child.kill('SIGKILL');
  };
  process.once('exit', killAll);
  await Promise.all(children.map(({ ready }) => ready));
  return {
    async begin() {
      for (const { child } of children) child.stdin.write('go\n');
      await Promise.all(children.map(({ submitted }) => submitted));
    },
    killed: () => children.filter(({ child }) => child.signalCode === 'SIGKILL').length,
    ended: () => children.flatMap(({ child: { exitCode, pid } }) => (exitCode === null ? [] : [`${pid}: ${exitCode}`])),
    async [Symbol.asyncDispose]() {
      process.off('exit', killAll);
      killAll();
      await Promise.all(children.map(({ gone }) => gone));
    },
  };
}

interface Started {
  readonly child: Child;
  readonly gone: Promise<unknown>;
  /** These resolve also when it is gone. */
  readonly ready: Promise<void>;
  readonly submitted: Promise<void>;
}

function start(told: FlightProcess): Started {
  const script = fileURLToPath(new URL('flight-process.ts', import.meta.url));
  // What the first processes have compiled the later ones read: a start takes half of the processor's time.
  const env = { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'mad-flight-compiled') };
  const child = spawn(process.execPath, [script, JSON.stringify(told)], { stdio: ['pipe', 'pipe', 'inherit'], env });
  // Who is killed does not read what it is told.
  child.stdin.on('error', () => {});
  const lines = createInterface({ input: child.stdout });
  const said = (word: string): Promise<void> =>
    new Promise((resolve) => {
      lines.on('line', (line) => {
        if (line === word) resolve();
      });
      child.once('exit', () => resolve());
    });
  return { child, gone: once(child, 'exit'), ready: said('ready'), submitted: said('submitted') };
}
