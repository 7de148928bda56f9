import PQueue from 'p-queue';
import { systemClock } from '../clock.ts';
import type { OrgId } from '../ids.ts';
import { silentLogger } from '../logger.ts';
import { inAllOrganizations } from '../metadata/metadata-database.ts';
import { listBusyOrganizationIds } from '../metadata/mirror-point.repository.ts';
import { listActiveOrganizationIds } from '../metadata/organization.repository.ts';
import type { Platform } from '../platform.ts';
import { recoverOrganization } from './recover-organization.ts';

export interface RecoverJobs {
  /** How often an organization with open jobs is looked at; one without them 20 times less often. */
  readonly everyMs: number;
  readonly signal: AbortSignal;
}

/** Organizations looked at together: each takes a connection of the host's budget for a moment. */
const CONCURRENCY = 4;
/** Rounds after which an organization without open jobs is looked at. */
const QUIET_ROUNDS = 20;
/** Changes of this age are looked at first by an executor that has just started; older ones are found by `reconcile`. */
const FIRST_LOOK_MS = 3_600_000;
/** A row carries the time at which its transaction began: one that commits this much later is still seen by the next look. */
const LATE_COMMIT_MS = 20_000;
/** Longest pause between two looks at the plan: how exactly a lease that runs out is met. */
const TICK_MS = 250;

interface Plan {
  /** When to look, by `performance.now()`. */
  at: number;
  lookedAt: number | undefined;
  isBusy: boolean;
  isUnderWay: boolean;
}

/**
 * Finds the jobs that no executor holds and enqueues them, closes what is overdue and mends mirrors, until the signal aborts. Never rejects.
 *
 * Each round of `everyMs` begins with two queries of the Metadata DB: which organizations are active, and which of them have open jobs. Those
 * are looked at once a round, and in between whenever a lease of theirs runs out or a job falls due, which the look before has told. The others
 * are looked at once in 20 rounds: with thousands of organizations their Results DBs are not opened all the time. They are spread evenly
 * over that time, and over the first round when an executor starts. A job of theirs that was accepted in the moment its process died waits that long.
 */
export async function recoverJobs(platform: Platform, { everyMs, signal }: RecoverJobs): Promise<void> {
  const { clock = systemClock, logger = silentLogger } = platform;
  const plans = new Map<OrgId, Plan>();
  const looks = new PQueue({ concurrency: CONCURRENCY });
  let roundAt = 0;
  while (!signal.aborted) {
    if (performance.now() >= roundAt) {
      roundAt = performance.now() + everyMs;
      await planRound(platform, plans, everyMs).catch((error: unknown) =>
        logger.warn({ err: error }, 'recovery could not list the organizations; it tries again'),
      );
    }
    let nextAt = roundAt;
    for (const [orgId, plan] of plans) {
      if (plan.isUnderWay) continue;
      if (plan.at > performance.now()) nextAt = Math.min(nextAt, plan.at);
      else void look(orgId, plan);
    }
    const restMs = Math.min(Math.max(nextAt - performance.now(), 5), TICK_MS);
    await clock.sleep(restMs, signal).catch(() => {});
  }
  await looks.onIdle();

  async function look(orgId: OrgId, plan: Plan): Promise<void> {
    plan.isUnderWay = true;
    await looks.add(() => lookAt(platform, { orgId, plan, everyMs, signal }), { priority: plan.isBusy ? 1 : 0 });
    plan.isUnderWay = false;
  }
}

async function planRound({ metadata }: Platform, plans: Map<OrgId, Plan>, everyMs: number): Promise<void> {
  const { active, busy } = await inAllOrganizations(metadata, async (tx) => ({
    active: new Set(await listActiveOrganizationIds(tx)),
    busy: new Set(await listBusyOrganizationIds(tx)),
  }));
  for (const orgId of plans.keys()) if (!active.has(orgId)) plans.delete(orgId);
  const now = performance.now();
  for (const orgId of active) {
    const isBusy = busy.has(orgId);
    const plan = plans.get(orgId);
    if (!plan)
      plans.set(orgId, {
        at: isBusy ? now : now + Math.random() * everyMs,
        lookedAt: undefined,
        isBusy,
        isUnderWay: false,
      });
    else if (isBusy && !plan.isBusy) plan.at = now;
    if (plan) plan.isBusy = isBusy;
  }
}

async function lookAt(
  platform: Platform,
  { orgId, plan, everyMs, signal }: RecoverJobs & { orgId: OrgId; plan: Plan },
): Promise<void> {
  // Those that still wait for their turn when the signal aborts.
  if (signal.aborted) return;
  const { logger = silentLogger } = platform;
  const startedAt = performance.now();
  const sinceMs = plan.lookedAt === undefined ? FIRST_LOOK_MS : startedAt - plan.lookedAt + LATE_COMMIT_MS;
  // Earlier by up to a third, so that organizations found together drift apart.
  const intervalMs = everyMs * (plan.isBusy ? 1 : QUIET_ROUNDS) * (1 - Math.random() / 3);
  plan.at = startedAt + intervalMs;
  try {
    const nextDueMs = await recoverOrganization(platform, { orgId, sinceMs, signal });
    plan.lookedAt = startedAt;
    if (nextDueMs !== undefined) plan.at = Math.min(plan.at, performance.now() + nextDueMs + 5);
  } catch (error) {
    logger.warn({ err: error, org_id: orgId }, 'recovery could not reach this organization; the others go on');
  }
}
