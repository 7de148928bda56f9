import type { Check } from '../check.ts';

/** The checks of tenancy in the order they run, each loaded when its turn comes: one that cannot be loaded stops no other. */
export const TENANCY_CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  routing: async () => (await import('./routing.ts')).routingCheck,
};
