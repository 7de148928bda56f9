import type { OrgId, QueueLimits } from '@mad/core';

/** Limits of a queue that can be told to another process. */
export interface PlainLimits {
  readonly perOrganization?: Readonly<Record<OrgId, number>> | undefined;
  readonly perResourceClass?: Readonly<Record<string, number>> | undefined;
}

export function toQueueLimits({ perOrganization = {}, perResourceClass }: PlainLimits = {}): QueueLimits {
  return { perOrganization: (orgId) => perOrganization[orgId] ?? Number.POSITIVE_INFINITY, perResourceClass };
}
