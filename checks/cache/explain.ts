import type { Check } from '../check.ts';
import { openExplainedPlatform } from './explain/explained-platform.ts';
import { randomTrials } from './explain/random-trials.ts';
import { BASE_VERSION, runBase, runTrial } from './explain/run-trial.ts';
import { BASE, TRIALS, type Trial } from './explain/trials.ts';

/** Entries of the same task are compared with the newest 300: what all these start from must be among them. */
const RANDOM_TRIALS = 100;

/**
 * Each component of the keys of steps and whole jobs is changed alone, with a job run before and after it: what explaining names is that component, for the
 * step and for the job, and nothing else. What a plan said before the job ran is what then happened.
 */
export const explainCheck: Check = {
  name: 'explain',
  async run(size, print) {
    await using host = await openExplainedPlatform();
    await host.publish(BASE_VERSION, BASE.spec);
    const faults: string[] = [];
    let named = 0;
    const run = async (trial: Trial, given: { version: string; baseJobId?: string }) => {
      const found = await runTrial(host, { trial, ...given }).catch((error: unknown) => [
        error instanceof Error ? (error.stack ?? error.message) : String(error),
      ]);
      if (found.length === 0) named++;
      for (const fault of found) print(`${trial.name}: ${fault}`);
      faults.push(...found.map((fault) => `${trial.name}: ${fault}`));
    };
    const trials = size === 'full' ? TRIALS : TRIALS.filter((_, index) => index % 4 === 0);
    for (const [index, trial] of trials.entries()) await run(trial, { version: `1.1.${index}` });
    const drawn = randomTrials(size === 'full' ? RANDOM_TRIALS : 5);
    const baseJobId = await runBase(host);
    for (const trial of drawn) await run(trial, { version: BASE_VERSION, baseJobId });
    const count = trials.length + drawn.length;
    return {
      passed: faults.length === 0,
      line: `explain ${named}/${count} single changes named, for step and job, and nothing else`,
      figures: { trials: count, named, faults },
    };
  },
};
