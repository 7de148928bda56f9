import { setTimeout } from 'node:timers/promises';
import { Client } from 'pg';
import type { Contender, Counted, Session, Site } from './contender.ts';
import { STEPS } from './contender.ts';
import { parentOf, readUsage, since } from './usage.ts';

export interface Trial {
  readonly site: Site;
  readonly jobs: number;
  /** Jobs that run before, unmeasured, so that neither compilers nor caches are. */
  readonly warmUp: number;
  /** Jobs run alone, one after the other, at most … */
  readonly alone: number;
  /** … and for about so long. */
  readonly aloneMs: number;
  /** Another database of the same server, from which the trial is watched. */
  readonly controlUrl: string;
  readonly redisPid?: number | undefined;
}

/** Per job where not said otherwise. */
export interface TrialResult {
  readonly seconds: number;
  readonly jobsPerSecond: number;
  readonly statements: number;
  readonly walBytes: number;
  readonly processCpuMs: number;
  readonly serverCpuMs: number;
  /** Milliseconds of each job run alone, from its submission to its end. */
  readonly aloneMs: readonly number[];
  /** The same from the moment in which the job was accepted. */
  readonly acceptedMs: readonly number[];
}

/** Runs one contender once. @throws when it did not do all of it. */
export async function runTrial(contender: Contender, trial: Trial): Promise<TrialResult> {
  const { site, jobs, warmUp, controlUrl, redisPid } = trial;
  const control = new Client({ connectionString: controlUrl });
  await control.connect();
  const { rows } = await control.query('select pg_backend_pid() as pid');
  const database = site.url.replace(/^.*\//, '');
  const servers = { control, database, postmaster: parentOf(rows[0].pid), redis: redisPid };
  await using session = await contender.open(site);
  try {
    if (warmUp > 0) await runAll(session, warmUp);
    const earlier = await session.count();
    await session.submit(jobs);
    await control.query('checkpoint');
    const before = await readUsage(servers);
    const started = performance.now();
    await session.start();
    await session.completed();
    const seconds = (performance.now() - started) / 1000;
    await session.stop();
    const used = since(before, await readUsage(servers));
    prove(contender, { counted: await session.count(), earlier, trial });
    const alone = await runAlone(session, trial);
    return {
      seconds,
      jobsPerSecond: jobs / seconds,
      statements: used.statements / jobs,
      walBytes: used.walBytes / jobs,
      processCpuMs: used.processCpuMs / jobs,
      serverCpuMs: used.serverCpuMs / jobs,
      ...alone,
    };
  } finally {
    await control.end();
  }
}

async function runAll(session: Session, jobs: number): Promise<void> {
  await session.submit(jobs);
  await session.start();
  await session.completed();
  await session.stop();
}

function prove(
  { name }: Contender,
  { counted, earlier, trial }: { counted: Counted; earlier: Counted; trial: Trial },
): void {
  const jobs = counted.jobs - earlier.jobs;
  const steps = counted.steps - earlier.steps;
  const expected = trial.jobs * STEPS[trial.site.graph];
  if (jobs === trial.jobs && steps === expected) return;
  throw new Error(`${name} left ${jobs} of ${trial.jobs} jobs and ${steps} of ${expected} results behind`);
}

/** Not measured: the first ones, which meet cold code. */
const COLD = 5;
/** Between two jobs, so that none waits for what the one before left to be done. */
const PAUSE_MS = 5;

async function runAlone(
  session: Session,
  { alone, aloneMs }: Trial,
): Promise<Pick<TrialResult, 'aloneMs' | 'acceptedMs'>> {
  if (alone === 0) return { aloneMs: [], acceptedMs: [] };
  await session.start();
  const whole: number[] = [];
  const accepted: number[] = [];
  const until = performance.now() + aloneMs;
  for (let at = 0; at < alone + COLD && (performance.now() < until || whole.length < COLD); at++) {
    const submitted = performance.now();
    let from = submitted;
    await session.runOne(() => {
      from = performance.now();
    });
    const ended = performance.now();
    if (at >= COLD) {
      whole.push(ended - submitted);
      accepted.push(ended - from);
    }
    await setTimeout(PAUSE_MS);
  }
  await session.stop();
  return { aloneMs: whole, acceptedMs: accepted };
}
