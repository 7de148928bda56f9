import type { OrgId } from '../ids.ts';

/** Who may run how much. Every process that serves one queue is given the same. */
export interface QueueLimits {
  /** Jobs of one organization that run at a time. @default no limit */
  readonly perOrganization?: number | ((orgId: OrgId) => number) | undefined;
  /** Jobs that run at a time and need this of a machine: `{ gpu: 2 }`. @default no limit */
  readonly perResourceClass?: Readonly<Record<string, number>> | undefined;
  /** An organization of weight 2 gets twice the share of one of weight 1. Above 0. @default 1 */
  readonly weightOf?: ((orgId: OrgId) => number) | undefined;
  /** So long a wait counts as much as one step of priority. @default 60_000 */
  readonly ageMs?: number | undefined;
}

export const DEFAULT_RESOURCE_CLASS = 'cpu';

const DEFAULT_AGE_MS = 60_000;

/** How many jobs of the organization may run at a time. */
export function organizationLimit({ perOrganization = Number.POSITIVE_INFINITY }: QueueLimits, orgId: OrgId): number {
  return typeof perOrganization === 'function' ? perOrganization(orgId) : perOrganization;
}

/** How many jobs of the resource class may run at a time. */
export function resourceClassLimit({ perResourceClass = {} }: QueueLimits, resourceClass: string): number {
  return Object.hasOwn(perResourceClass, resourceClass)
    ? (perResourceClass[resourceClass] ?? Number.POSITIVE_INFINITY)
    : Number.POSITIVE_INFINITY;
}

/**
 * The place of a message among those of its organization, the lowest first. Every waiting message ages alike, so the order of two never changes and
 * a number given once is enough: to be due a while earlier is worth a step of priority.
 */
export function rankOf({ ageMs = DEFAULT_AGE_MS }: QueueLimits, due: { dueAt: number; priority: number }): number {
  return due.dueAt - due.priority * ageMs;
}
