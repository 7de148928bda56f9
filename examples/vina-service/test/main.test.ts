import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { dirname } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { describeWithPrograms, isRunning, listChildren } from '@mad/testkit';
import { expect, onTestFinished, test } from 'vitest';

const main = fileURLToPath(import.meta.resolve('../src/main.ts'));

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

function start(args: readonly string[], env: NodeJS.ProcessEnv = process.env): Child {
  const child = spawn(process.execPath, [main, ...args], { stdio: ['pipe', 'pipe', 'pipe'], env });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function readUrl(child: Child): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return (JSON.parse(line) as { url: string }).url;
}

/** A docking that would take an hour; returns the process id of its Vina. */
async function dockForLong(child: Child, url: string): Promise<number> {
  const atom = (serial: number, x: number) =>
    `ATOM  ${String(serial).padStart(5)}  C   LIG     1    ${x.toFixed(3).padStart(8)}   0.000   0.000  0.00  0.00    +0.000 C \n`;
  const body = {
    receptor: atom(1, 5),
    ligand: `ROOT\n${atom(1, 0)}${atom(2, 1.5)}ENDROOT\nTORSDOF 0\n`,
    center: { x: 0, y: 0, z: 0 },
    size: { x: 60, y: 60, z: 60 },
    exhaustiveness: 1024,
  };
  const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
  expect((await fetch(`${url}/dock/execute`, init)).status).toBe(202);
  const vina = () => listChildren(child.pid ?? 0).find(({ name }) => name === 'vina')?.pid;
  await expect.poll(vina, { timeout: 10_000 }).toBeGreaterThan(0);
  return vina() ?? 0;
}

describeWithPrograms('vina-service as a process', () => {
  test.each([
    ['SIGTERM', [], (child: Child) => child.kill('SIGTERM')],
    ['the end of its stdin, when started with --with-parent,', ['--with-parent'], (child: Child) => child.stdin.end()],
  ])('%s ends it cleanly, with the Vina that it runs', async (_, args, stop) => {
    const child = start(args);
    const vina = await dockForLong(child, await readUrl(child));
    stop(child);
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(isRunning(vina)).toBe(false);
  });

  test('it outlives the end of its stdin otherwise', async () => {
    const child = start([]);
    const url = await readUrl(child);
    child.stdin.end();
    expect((await fetch(`${url}/health`)).status).toBe(200);
  });

  test('without Vina and Open Babel it says what to install', async () => {
    const child = start([], { PATH: dirname(process.execPath) });
    const chunks: string[] = [];
    child.stderr.on('data', (chunk: Buffer) => chunks.push(String(chunk)));
    expect(await once(child, 'close')).toEqual([2, null]);
    expect(chunks.join('')).toContain('apt-get install openbabel autodock-vina');
  });
});
