import type { OrgId } from '../ids.ts';
import { compareShares, type Share } from './fair-share.ts';
import { createHeap, type Heap } from './heap.ts';
import { organizationLimit, type QueueLimits, resourceClassLimit } from './queue-limits.ts';

/** Something that waits for its turn. */
export interface Queued {
  readonly orgId: OrgId;
  readonly resourceClass: string;
  /** Its place among those of its organization, the lowest first: `rankOf`. Equal ranks keep the order of their pushes. */
  readonly rank: number;
}

/** How many jobs run of one organization in one resource class. */
export interface Occupied {
  readonly orgId: OrgId;
  readonly resourceClass: string;
  readonly running: number;
}

/** Decides who comes next, and holds the limits: what `take` gave counts as running until `release`. It knows no clock, no database and no promise. */
export interface FairQueue<T extends Queued> {
  push(queued: T): void;
  /** The element whose turn it is; undefined while the limits let nothing start. */
  take(): T | undefined;
  release(taken: Queued): void;
  /** Those of the organization that come next, so many at most, where the limits of its machines leave room. */
  upcoming(orgId: OrgId, count: number): readonly T[];
  /** Forgets what waits, takes what runs from elsewhere, and remembers only who was served when. */
  reset(occupied: readonly Occupied[]): void;
}

interface Ranked<T> {
  readonly queued: T;
  readonly order: number;
}

interface Organization<T> extends Share {
  readonly orgId: OrgId;
  running: number;
  weight: number;
  servedAt: number;
  /** Resource class → what waits for it; a lane is there only while something does. */
  readonly lanes: Map<string, Heap<Ranked<T>>>;
}

interface Turn<T> {
  readonly organization: Organization<T>;
  readonly resourceClass: string;
}

const byRank = <T extends Queued>(a: Ranked<T>, b: Ranked<T>): number =>
  a.queued.rank - b.queued.rank || a.order - b.order;

/** An empty queue. Choosing takes a look at every organization for which something waits, not at every element. */
export function createFairQueue<T extends Queued>(limits: QueueLimits): FairQueue<T> {
  const organizations = new Map<OrgId, Organization<T>>();
  const waiting = new Set<Organization<T>>();
  const runningPerClass = new Map<string, number>();
  let order = 0;

  function getOrganization(orgId: OrgId): Organization<T> {
    const known = organizations.get(orgId);
    if (known) return known;
    const organization = { orgId, running: 0, weight: 1, servedAt: 0, lanes: new Map<string, Heap<Ranked<T>>>() };
    organizations.set(orgId, organization);
    return organization;
  }

  const hasRoom = (resourceClass: string): boolean =>
    (runningPerClass.get(resourceClass) ?? 0) < resourceClassLimit(limits, resourceClass);

  /** The resource class from which the organization's next element comes. */
  function nextLane({ lanes }: Organization<T>): string | undefined {
    let best: { readonly resourceClass: string; readonly head: Ranked<T> } | undefined;
    for (const [resourceClass, lane] of lanes) {
      const head = lane.peek();
      if (head && (!best || byRank(head, best.head) < 0) && hasRoom(resourceClass)) best = { resourceClass, head };
    }
    return best?.resourceClass;
  }

  function nextTurn(): Turn<T> | undefined {
    let best: Turn<T> | undefined;
    for (const organization of waiting) {
      if (organization.running >= organizationLimit(limits, organization.orgId)) continue;
      organization.weight = limits.weightOf?.(organization.orgId) ?? 1;
      if (best && compareShares(organization, best.organization) >= 0) continue;
      const resourceClass = nextLane(organization);
      if (resourceClass !== undefined) best = { organization, resourceClass };
    }
    return best;
  }

  function occupy({ orgId, resourceClass, running }: Occupied): void {
    getOrganization(orgId).running += running;
    runningPerClass.set(resourceClass, (runningPerClass.get(resourceClass) ?? 0) + running);
  }

  return {
    push(queued) {
      const organization = getOrganization(queued.orgId);
      const lane = organization.lanes.get(queued.resourceClass) ?? createHeap(byRank<T>);
      organization.lanes.set(queued.resourceClass, lane);
      lane.push({ queued, order: ++order });
      waiting.add(organization);
    },
    take() {
      const turn = nextTurn();
      if (!turn) return undefined;
      const { organization, resourceClass } = turn;
      const lane = organization.lanes.get(resourceClass);
      const taken = lane?.pop()?.queued;
      if (lane?.size === 0) organization.lanes.delete(resourceClass);
      if (organization.lanes.size === 0) waiting.delete(organization);
      organization.servedAt = ++order;
      occupy({ orgId: organization.orgId, resourceClass, running: 1 });
      return taken;
    },
    release({ orgId, resourceClass }) {
      occupy({ orgId, resourceClass, running: -1 });
    },
    upcoming(orgId, count) {
      const lanes = organizations.get(orgId)?.lanes ?? [];
      const next = [...lanes].flatMap(([resourceClass, lane]) => (hasRoom(resourceClass) ? lane.least(count) : []));
      return next
        .sort(byRank)
        .slice(0, count)
        .map(({ queued }) => queued);
    },
    reset(occupied) {
      for (const organization of organizations.values()) organization.running = 0;
      for (const organization of waiting) organization.lanes.clear();
      waiting.clear();
      runningPerClass.clear();
      for (const each of occupied) occupy(each);
    },
  };
}
