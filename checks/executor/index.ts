import type { Check } from '../check.ts';

/** The checks of the executor in the order they run, each loaded when its turn comes: one that cannot be loaded stops no other. */
export const EXECUTOR_CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  crash: async () => (await import('./crash.ts')).crashCheck,
  soak: async () => (await import('./soak.ts')).soakCheck,
  restarts: async () => (await import('./restarts.ts')).restartsCheck,
  zombie: async () => (await import('./zombie.ts')).zombieCheck,
  'fair-share': async () => (await import('./fair-share.ts')).fairShareCheck,
  property: async () => (await import('./property.ts')).propertyCheck,
  durable: async () => (await import('./durable.ts')).durableCheck,
};
