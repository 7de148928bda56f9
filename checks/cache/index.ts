import type { Check } from '../check.ts';

/** The checks of the cache in the order they run, each loaded when its turn comes: one that cannot be loaded stops no other. */
export const CACHE_CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  signature: async () => (await import('./signature.ts')).signatureCheck,
  flight: async () => (await import('./flight.ts')).flightCheck,
  corruption: async () => (await import('./corruption.ts')).corruptionCheck,
  explain: async () => (await import('./explain.ts')).explainCheck,
};
