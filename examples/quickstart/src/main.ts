import { relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Executor, type Logger } from '@mad/core';
import { ArgumentError, type Arguments, HELP, parseArguments } from './arguments.ts';
import { describeFailure } from './describe-failure.ts';
import { type DockingRun, dock, JobLeftError } from './dock.ts';
import { keepFiles } from './keep-files.ts';
import { openPlatform } from './open-platform.ts';
import { prepareFolder } from './prepare-folder.ts';
import { registerDocking } from './register-docking.ts';
import { posesTable } from './show-poses.ts';
import { startVinaService } from './start-vina-service.ts';
import { StoppedError, stopOnSignal } from './stop-on-signal.ts';

const DEFAULT_FOLDER = fileURLToPath(new URL('../../../.mad/quickstart', import.meta.url));

async function main(argv: readonly string[]): Promise<number> {
  const signal = stopOnSignal();
  try {
    const asked = parseArguments(argv);
    if (asked) return await run(asked, signal);
    process.stdout.write(HELP);
    return 0;
  } catch (error) {
    if (signal.reason instanceof StoppedError) return stop(error, signal.reason);
    return fail(error, { json: argv.includes('--json') });
  }
}

async function run(asked: Arguments, signal: AbortSignal): Promise<number> {
  const folder =
    asked.folder === undefined ? DEFAULT_FOLDER : resolve(process.env.MAD_CALLED_FROM ?? '.', asked.folder);
  await prepareFolder(folder);
  const logger: Logger = {
    debug() {},
    info() {},
    warn: (_, message) => void process.stderr.write(`  ${message}\n`),
    error: (_, message) => void process.stderr.write(`  ${message}\n`),
  };

  await using service = asked.serviceUrl === undefined ? await startVinaService() : undefined;
  const serviceUrl = (service?.url ?? asked.serviceUrl ?? '').replace(/\/$/, '');
  signal.throwIfAborted();
  await using opened = await openPlatform({ folder, serviceUrl, logger });
  signal.throwIfAborted();
  await registerDocking(opened, { serviceUrl, dock: asked.dock });
  signal.throwIfAborted();
  await using executor = new Executor(opened.platform);
  executor.start();
  if (!asked.json) say(`Asking for ${asked.smiles} docked into Aurora A kinase (PDB 5DT0)`);
  const docked = await dock(opened, asked, signal);
  const { error } = docked.results;
  if (asked.json) say(JSON.stringify(toJson(docked)));
  else if (error) process.stderr.write(`The job failed (${error.code}): ${error.message}\n`);
  else tell(docked, { files: await keepFiles(opened, { results: docked.results, folder }) });
  return error ? 1 : 0;
}

const say = (line: string): void => void process.stdout.write(`${line}\n`);

function tell({ results, repeat, rmsdToCrystal }: DockingRun, { files }: { files: string }): void {
  if (results.canonicalJobId)
    say(`Answered from the cache: job ${results.canonicalJobId} docked this before. --fresh docks it again.`);
  say(posesTable(results.poses));
  const seed = results.taskResults.find(({ taskName }) => taskName === 'dock')?.resultData.seed;
  const distance =
    rmsdToCrystal === null
      ? ''
      : `, ${rmsdToCrystal.toFixed(2)} Å from the crystal ligand (heavy atoms, symmetry-aware, no superposition)`;
  say(`Best pose: ${results.poses[0]?.affinity.toFixed(2)} kcal/mol with Vina's seed ${seed}${distance}`);
  say(`Files: ${relative(process.cwd(), files)}`);
  if (repeat)
    say(
      `The same job again: ${repeat.hit ? `from the cache, docked by job ${repeat.canonicalJobId}` : 'not from the cache'}, in ${repeat.ms.toFixed(0)} ms`,
    );
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
    repeat: repeat && {
      cache_hit: repeat.hit,
      canonical_job_id: repeat.canonicalJobId,
      ms: Math.round(repeat.ms * 10) / 10,
    },
    ...(results.error ? { error: results.error } : {}),
  };
}

function stop(error: unknown, { exitCode }: StoppedError): number {
  // The terminal has written ^C into the line.
  process.stderr.write('\n');
  if (error instanceof JobLeftError)
    process.stderr.write(`Stopped: ${error.message}; it goes on at the next start with the same data folder\n`);
  return exitCode;
}

function fail(error: unknown, { json }: { json: boolean }): number {
  const failure = describeFailure(error);
  if (json) say(JSON.stringify({ job_id: null, status: 'FAILED', error: failure }));
  else process.stderr.write(`${failure.message}\n`);
  return error instanceof ArgumentError ? 2 : 1;
}

process.exitCode = await main(process.argv.slice(2));
