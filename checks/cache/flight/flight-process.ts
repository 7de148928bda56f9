import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Executor, type SubmitJob, submitJobs } from '@mad/core';
import { armCrash } from '../../executor/crash/arm-crash.ts';
import { type JobQueueKind, ORGANIZATIONS, openLoadPlatform } from '../../executor/load/load-platform.ts';
import { FLIGHT_POINTS } from './flight-points.ts';
import { FLIGHT_WORKS } from './flight-work.ts';

/** What one of the processes of a round is told, as JSON in its first argument. */
export interface FlightProcess {
  readonly url: string;
  readonly serviceUrl: string;
  readonly folder: string;
  readonly queue: JobQueueKind;
  readonly work: string;
  readonly leaseMs: number;
  /** Where whichever process comes there first kills itself. */
  readonly point?: string | undefined;
  /** Its share of the jobs. */
  readonly requests: readonly SubmitJob[];
}

// Says `ready`, waits for a line, then submits its share while its executor runs, and says `submitted`. It cannot outlive the process that started it.
const { point, work, requests, leaseMs, ...options } = JSON.parse(process.argv[2] ?? '') as FlightProcess;
const found = FLIGHT_WORKS.find(({ name }) => name === work);
if (!found) throw new TypeError(`expected a known work, not ${work}`);
const flightPoint = FLIGHT_POINTS.find(({ name }) => name === point);
const around = flightPoint && armCrash(flightPoint, found.graph, dieFirst(flightPoint.afterMs));
const { platform } = await openLoadPlatform({ ...options, cached: true, connections: 3, around });
const [{ caller }] = ORGANIZATIONS;

const lines = createInterface({ input: process.stdin }).on('close', () => process.exit());
process.stdout.write('ready\n');
lines.once('line', async () => {
  new Executor(platform, { concurrency: 4, leaseMs, recoverEveryMs: 500 }).start();
  const [half, rest] = [requests.slice(0, requests.length / 2), requests.slice(requests.length / 2)];
  // Some at once, some one after the other.
  await submitJobs(platform, caller, half);
  for (const request of rest) await submitJobs(platform, caller, [request]);
  process.stdout.write('submitted\n');
});

/** SIGKILL for the first process that calls it, nothing for the others: only one can make the file. */
function dieFirst(afterMs = 0): () => void {
  const file = join(options.folder, 'died');
  const die = (): void => {
    try {
      writeFileSync(file, String(process.pid), { flag: 'wx' });
    } catch {
      return;
    }
    process.kill(process.pid, 'SIGKILL');
  };
  return afterMs > 0 ? () => void setTimeout(die, afterMs) : die;
}
