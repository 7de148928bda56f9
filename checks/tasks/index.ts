import type { Check } from '../check.ts';

/** The checks of tasks in the order they run. */
export const TASKS_CHECKS: Readonly<Record<string, () => Promise<Check>>> = {
  documents: async () => (await import('./documents.ts')).documentsCheck,
  hostile: async () => (await import('./hostile.ts')).hostileCheck,
  adoption: async () => (await import('./adoption.ts')).adoptionCheck,
  faults: async () => (await import('./faults.ts')).faultsCheck,
};
