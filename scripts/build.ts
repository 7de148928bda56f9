import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { listPublicPackages, root, type WorkspacePackage } from './repository.ts';

const tsup = join(root, 'node_modules/tsup/dist/cli-default.js');

/** Builds every public package into its `dist`, two at a time; returns the names of those that failed, their output printed. */
export async function buildPackages(): Promise<readonly string[]> {
  const failed: string[] = [];
  // No order is needed: packages see each other's sources, never each other's dist.
  const queue = listPublicPackages().values();
  const work = async (): Promise<void> => {
    for (const workspacePackage of queue)
      if (!(await build(workspacePackage))) failed.push(workspacePackage.manifest.name);
  };
  await Promise.all([work(), work()]);
  return failed;
}

async function build({ directory, manifest }: WorkspacePackage): Promise<boolean> {
  const started = performance.now();
  try {
    await promisify(execFile)(process.execPath, [tsup], { cwd: directory });
    console.log(`built ${manifest.name} in ${((performance.now() - started) / 1000).toFixed(1)} s`);
    return true;
  } catch (error) {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    console.error(`${manifest.name} does not build:\n${stdout}${stderr}`);
    return false;
  }
}

if (import.meta.main && (await buildPackages()).length > 0) process.exitCode = 1;
