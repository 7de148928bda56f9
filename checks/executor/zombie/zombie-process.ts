import { subscribe } from 'node:diagnostics_channel';
import { writeSync } from 'node:fs';
import { Executor, LeaseLostError, silentLogger, type TaskRunner } from '@mad/core';
import { openWorkPlatform } from '../work/work-platform.ts';

/** What the process is told, as JSON in its first argument. */
export interface ZombieProcess {
  readonly url: string;
  readonly serviceUrl: string;
  readonly folder: string;
  readonly leaseMs: number;
  /** Jobs of a round. */
  readonly jobs: number;
  /** The step whose answers are held back until all jobs of the round have one. */
  readonly step: string;
}

/** What the process says, a line of JSON each. */
export type ZombieWord =
  /** It is about to stop itself, with an answer in hand for every job and none of them written. */
  | { readonly said: 'stopping' }
  /** After it woke: it tried to commit something of these jobs, or to hold their leases for longer. */
  | { readonly said: 'committing' | 'renewing'; readonly jobIds: readonly string[] }
  /** After it woke: the executor found that this job is no longer its own. */
  | { readonly said: 'refused'; readonly jobId: string };

// An executor in a process of its own that stops itself, by SIGSTOP, in the moment before it would write the answers of all its jobs.
const { jobs, step, leaseMs, ...options } = JSON.parse(process.argv[2] ?? '') as ZombieProcess;
process.stdin.resume().on('end', () => process.exit());
const say = (word: ZombieWord): void => void writeSync(1, `${JSON.stringify(word)}\n`);
const logger = {
  ...silentLogger,
  warn(facts: object, message: string) {
    if (message.startsWith('the lease of a job')) say({ said: 'refused', jobId: String(Object(facts).job_id) });
  },
  error(facts: object) {
    const { err, job_id: jobId } = facts as { err?: unknown; job_id?: string };
    if (err instanceof LeaseLostError && jobId) say({ said: 'refused', jobId });
  },
};
const { platform } = await openWorkPlatform({ ...options, cached: false, connections: 6, logger });
let isAwake = false;
subscribe('mad:attempt.answered', (facts) => {
  if (isAwake || (facts as { step: string }).step !== step) return;
  isAwake = true;
  say({ said: 'stopping' });
  process.kill(process.pid, 'SIGSTOP');
});
for (const [point, said] of [['commit.sent', 'committing'] as const, ['lease.renewed', 'renewing'] as const])
  subscribe(`mad:${point}`, (facts) => {
    if (isAwake) say({ said, jobIds: (facts as { job_ids: string[] }).job_ids });
  });
const tasks = holdBack(platform.tasks);
new Executor({ ...platform, tasks }, { leaseMs, concurrency: jobs, recoverEveryMs: 1_000 }).start();

/** Lets the answers of the step through when every job has one: then all of them are written together. */
function holdBack(runner: TaskRunner): TaskRunner {
  const all = Promise.withResolvers<void>();
  let answered = 0;
  return {
    resolve: (orgId, task) => runner.resolve(orgId, task),
    prepare: (orgId, call) => runner.prepare(orgId, call),
    async run(call) {
      const outcome = await runner.run(call);
      if (call.stepName !== step) return outcome;
      if (++answered === jobs) all.resolve();
      await all.promise;
      return outcome;
    },
  };
}
