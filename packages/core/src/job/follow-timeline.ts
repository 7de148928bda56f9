import type { OrgId } from '../ids.ts';
import type { Platform } from '../platform.ts';
import type { ResultsDatabases } from '../ports/results-databases.ts';
import type { Signals } from '../ports/signals.ts';
import { listJobEventsAfter } from '../results/job-event.repository.ts';
import { EVERY } from '../signals/every.ts';
import { signalsOf } from '../signals/signals-of.ts';
import { type TimelineFollower, TimelineHub } from './timeline-hub.ts';

/** The hubs of one router, an organization each, behind one subscription. */
interface Hubs {
  readonly ofOrganization: Map<OrgId, TimelineHub>;
  readonly subscription: Disposable;
}

const known = new WeakMap<Signals, WeakMap<ResultsDatabases, Hubs>>();
const POLL_MS = 2_000;
// Nobody tells of what other processes do.
const POLL_WITHOUT_SIGNALS_MS = 1_000;

/** Follows a job together with all who follow jobs of its organization in this process. Asks for no permission. */
export function followTimeline(
  platform: Platform,
  { orgId, jobId }: { readonly orgId: OrgId; readonly jobId: string },
): TimelineFollower {
  const hubs = hubsOf(platform);
  const hub = hubs.ofOrganization.get(orgId) ?? createHub(platform, orgId);
  hubs.ofOrganization.set(orgId, hub);
  const follower = hub.follow(jobId);
  return {
    readAfter: follower.readAfter,
    [Symbol.dispose]() {
      follower[Symbol.dispose]();
      if (!hub.isUnused) return;
      hubs.ofOrganization.delete(orgId);
      if (hubs.ofOrganization.size > 0) return;
      hubs.subscription[Symbol.dispose]();
      known.get(signalsOf(platform))?.delete(platform.results);
    },
  };
}

function hubsOf(platform: Platform): Hubs {
  const signals = signalsOf(platform);
  const ofRouter = known.get(signals) ?? new WeakMap<ResultsDatabases, Hubs>();
  known.set(signals, ofRouter);
  const found = ofRouter.get(platform.results);
  if (found) return found;
  const ofOrganization = new Map<OrgId, TimelineHub>();
  const subscription = signals.subscribe('job.changed', ({ orgId, jobId }) => {
    if (orgId === EVERY) for (const hub of ofOrganization.values()) hub.changed(jobId);
    else ofOrganization.get(orgId)?.changed(jobId);
  });
  const created = { ofOrganization, subscription };
  ofRouter.set(platform.results, created);
  return created;
}

function createHub({ results, signals, clock, logger }: Platform, orgId: OrgId): TimelineHub {
  return new TimelineHub({
    clock,
    logger,
    pollMs: signals ? POLL_MS : POLL_WITHOUT_SIGNALS_MS,
    read: async (after, limitPerJob) => listJobEventsAfter(await results.get(orgId), after, limitPerJob),
  });
}
