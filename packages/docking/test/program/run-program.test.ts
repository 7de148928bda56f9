import { tmpdir } from 'node:os';
import { ProgramMissingError, ProgramTimeoutError } from '@mad/docking';
import { isRunning } from '@mad/testkit';
import { describe, expect, test } from 'vitest';
import { runProgram } from '../../src/program/run-program.ts';

const sh = (script: string) => ({ program: 'sh', args: ['-c', script], cwd: tmpdir() });
describe('runProgram', () => {
  test('any exit code is an end, with what the program wrote', async () => {
    expect(await runProgram(sh('echo out; echo err >&2; exit 3'))).toEqual({
      exitCode: 3,
      killedBy: null,
      stdout: 'out\n',
      stderr: 'err\n',
    });
  });

  test('stdin is closed: a program that reads does not hang', async () => {
    expect(await runProgram(sh('cat'))).toMatchObject({ exitCode: 0, stdout: '' });
  });

  test('no more output is kept than asked for, the last of it', async () => {
    expect(await runProgram({ ...sh('yes | head -c 1000000; echo end'), keepOutput: 6 })).toMatchObject({
      stdout: 'y\nend\n'.slice(-6),
    });
  });

  test('a program that is not installed is named, with what to install', async () => {
    const missing = runProgram({ program: 'no-such-program-here', args: [], cwd: tmpdir() });
    await expect(missing).rejects.toThrow(ProgramMissingError);
    await expect(missing).rejects.toThrow(
      /no-such-program-here is not installed .*apt-get install openbabel autodock-vina/,
    );
  });

  test('on timeout the program and its children are killed, even when they ignore SIGTERM', async () => {
    let pid = 0;
    const onStdout = (text: string) => {
      pid = Number(text);
    };
    const started = performance.now();
    const hung = runProgram({ ...sh("trap '' TERM; sleep 60 & echo $!; wait; wait"), timeoutMs: 200, onStdout });
    await expect(hung).rejects.toThrow(ProgramTimeoutError);
    expect(performance.now() - started).toBeLessThan(5000);
    await expect.poll(() => isRunning(pid)).toBe(false);
  });

  test('on abort the program is gone before the call returns, with the reason of the signal', async () => {
    const controller = new AbortController();
    let pid = 0;
    const onStdout = (text: string) => {
      pid = Number(text);
    };
    const running = runProgram({ ...sh('echo $$; exec sleep 60'), signal: controller.signal, onStdout });
    await expect.poll(() => pid).toBeGreaterThan(0);
    const reason = new Error('no longer wanted');
    controller.abort(reason);
    await expect(running).rejects.toBe(reason);
    expect(isRunning(pid)).toBe(false);
  });

  test('an aborted signal starts nothing', async () => {
    const reason = new Error('too late');
    await expect(runProgram({ ...sh('exit 0'), signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
});
