import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { root } from './repository.ts';

export interface Diagnostic {
  readonly file: string;
  readonly line: number;
  readonly message: string;
}

/** Type-checks the ts files of a folder under these compiler options and returns what tsc reports, files with their full path. */
export async function typecheckProject(directory: string, compilerOptions: object): Promise<readonly Diagnostic[]> {
  await writeFile(join(directory, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['*.ts'] }));
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  const output = await promisify(execFile)(process.execPath, [tsc, '--noEmit', '--pretty', 'false'], {
    cwd: directory,
  }).then(
    () => '',
    (error: { stdout?: string; message: string }) => error.stdout || error.message,
  );
  const lines = output.split('\n').filter((line) => line !== '' && !line.startsWith(' '));
  return lines.map((line) => {
    const [, file = '', at = '0', message = line] = /^(.+?)\((\d+),\d+\): (.*)$/.exec(line) ?? [];
    return { file: resolve(directory, file), line: Number(at), message };
  });
}
