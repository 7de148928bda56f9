import type { Check } from '../check.ts';

/** The checks of tenancy in the order they run, each loaded when its turn comes: one that cannot be loaded stops no other. */
export const TENANCY_CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  provisioning: async () => (await import('./provisioning.ts')).provisioningCheck,
  cost: async () => (await import('./cost.ts')).costCheck,
  routing: async () => (await import('./routing.ts')).routingCheck,
  fleet: async () => (await import('./fleet.ts')).fleetCheck,
  'fleet-cost': async () => (await import('./fleet-cost.ts')).fleetCostCheck,
  audit: async () => (await import('./audit.ts')).auditCheck,
  isolation: async () => (await import('./isolation.ts')).isolationCheck,
};
