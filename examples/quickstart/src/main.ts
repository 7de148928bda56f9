import { mkdir } from 'node:fs/promises';
import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Executor, isMadError, type Logger } from '@mad/core';
import { ArgumentError, type Arguments, HELP, parseArguments } from './arguments.ts';
import { type DockingRun, dock } from './dock.ts';
import { keepFiles } from './keep-files.ts';
import { openPlatform } from './open-platform.ts';
import { registerDocking, ServiceUnreachableError } from './register-docking.ts';
import { posesTable } from './show-poses.ts';
import { startVinaService } from './start-vina-service.ts';

const DEFAULT_FOLDER = fileURLToPath(new URL('../../../.mad/quickstart', import.meta.url));

async function main(): Promise<number> {
  const asked = parseArguments(process.argv.slice(2));
  if (!asked) {
    process.stdout.write(HELP);
    return 0;
  }
  try {
    return await run(asked);
  } catch (error) {
    return fail(error, asked);
  }
}

async function run(asked: Arguments): Promise<number> {
  const folder =
    asked.folder === undefined ? DEFAULT_FOLDER : resolve(process.env.MAD_CALLED_FROM ?? '.', asked.folder);
  await mkdir(folder, { recursive: true });
  const say = (line: string) => void (asked.json || process.stdout.write(`${line}\n`));
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (_, message) => void process.stderr.write(`  ${message}\n`),
    error: (_, message) => void process.stderr.write(`  ${message}\n`),
  };

  await using service = asked.serviceUrl === undefined ? await startVinaService() : undefined;
  const serviceUrl = (service?.url ?? asked.serviceUrl ?? '').replace(/\/$/, '');
  await using opened = await openPlatform({ folder, serviceUrl, logger });
  await registerDocking(opened, { serviceUrl, dock: asked.dock });
  await using executor = new Executor(opened.platform);
  executor.start();
  say(`Docking ${asked.smiles} into Aurora A kinase (PDB 5DT0)`);
  const { results, repeat, rmsdToCrystal } = await dock(opened, asked);
  if (asked.json) process.stdout.write(`${JSON.stringify(toJson({ results, repeat, rmsdToCrystal }))}\n`);
  if (results.error) {
    if (!asked.json) process.stderr.write(`The job failed (${results.error.code}): ${results.error.message}\n`);
    return 1;
  }
  if (results.canonicalJobId)
    say(`Answered from the cache: job ${results.canonicalJobId} docked this before. --fresh docks it again.`);
  say(posesTable(results.poses));
  if (rmsdToCrystal !== null)
    say(
      `Best pose: ${rmsdToCrystal.toFixed(2)} Å from the crystal ligand (heavy atoms, symmetry-aware, no superposition)`,
    );
  say(`Files: ${relative(process.cwd(), await keepFiles(opened, { results, folder }))}`);
  say(
    `The same job again: ${repeat.hit ? `from the cache, docked by job ${repeat.canonicalJobId}` : 'not from the cache'}, in ${repeat.ms.toFixed(0)} ms`,
  );
  return 0;
}

function toJson({ results, repeat, rmsdToCrystal }: DockingRun) {
  return {
    job_id: results.jobId,
    status: results.status,
    poses: results.poses.map((pose) => ({
      rank: pose.rank,
      affinity: pose.affinity,
      rmsd_lb: pose.rmsdLowerBound,
      rmsd_ub: pose.rmsdUpperBound,
    })),
    rmsd_to_crystal: rmsdToCrystal === null ? null : Math.round(rmsdToCrystal * 1000) / 1000,
    repeat: { cache_hit: repeat.hit, canonical_job_id: repeat.canonicalJobId, ms: Math.round(repeat.ms * 10) / 10 },
    ...(results.error ? { error: results.error } : {}),
  };
}

function fail(error: unknown, { json }: Arguments): number {
  const code = isMadError(error)
    ? error.code
    : error instanceof ServiceUnreachableError
      ? 'SERVICE_UNAVAILABLE'
      : 'INTERNAL_ERROR';
  const said = error instanceof Error ? error.message : String(error);
  // The folder remembers the service as it was, and Vina or the service has changed since.
  const message = code === 'MAD_TASKS_VERSION_TAKEN' ? `${said}; or start over in another folder with --data` : said;
  if (json) process.stdout.write(`${JSON.stringify({ job_id: null, status: 'FAILED', error: { code, message } })}\n`);
  else process.stderr.write(`${message}\n`);
  return 1;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof ArgumentError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
