import type { CacheContest } from './contest.ts';

/** Every contest by its name, loaded when its turn comes. */
export const CONTESTS: Readonly<
  Record<string, () => Promise<(print: (line: string) => void) => Promise<CacheContest>>>
> = {
  signatures: async () => (await import('./signatures/contest-signatures.ts')).contestSignatures,
  'look-ups': async () => (await import('./look-ups/contest-look-ups.ts')).contestLookUps,
  'cached-job': async () => (await import('./cached-job/contest-cached-job.ts')).contestCachedJob,
};
