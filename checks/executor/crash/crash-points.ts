import type { WorkGraph } from '../work/work-graphs.ts';

/** A moment in a job's way at which its executor is killed. */
export interface CrashPoint {
  readonly name: string;
  /** Points that the executor tells on `mad:<point>`, one after the other; with the last one the moment is there, unless `seen` says more. */
  readonly told: readonly Told[];
  /** What is then waited for outside of the executor: on its sockets, behind its ports. */
  readonly seen?: Seen;
  /** Whether steps ask the cache, and fill it. */
  readonly cached?: boolean;
  /** Size of a report. An answer that comes in several pieces is longer than what one read of a socket takes. */
  readonly bytes?: number;
  /** How long the middle step takes at the service. */
  readonly waitMs?: number;
}

/** `middle` and `last` are steps of the graph, `next` one that reads from `middle`. */
export type Told = string | { readonly point: string; readonly of: 'middle' | 'next' | 'last' };

export type Seen = 'request sent' | 'half a response' | 'artifact written' | 'commit sent';

const ANSWERED: Told = { point: 'attempt.answered', of: 'middle' };

/** The points in their order along the way. */
export const CRASH_POINTS: readonly CrashPoint[] = [
  { name: 'before the lease', told: ['job.claiming'] },
  { name: 'after the lease', told: ['job.claimed'] },
  { name: 'after the started event', told: [{ point: 'attempt.started', of: 'middle' }] },
  { name: 'request sent', told: [], seen: 'request sent' },
  { name: 'half a response received', told: [], seen: 'half a response', bytes: 400_000 },
  {
    name: 'artifact written',
    told: [{ point: 'attempt.called', of: 'middle' }],
    seen: 'artifact written',
    cached: true,
  },
  { name: 'commit sent but unacknowledged', told: [ANSWERED], seen: 'commit sent' },
  // A commit that is under way when the answer comes does not hold it: the next one is meant.
  { name: 'after the commit', told: [ANSWERED, 'commit.sent', 'committed'] },
  { name: 'dependents started', told: [{ point: 'attempt.called', of: 'next' }], cached: true },
  { name: 'cache entry written', told: [ANSWERED, 'cache.recorded'], cached: true },
  { name: 'last step answered', told: [{ point: 'attempt.answered', of: 'last' }] },
  { name: 'job closed', told: ['job.closed'], cached: true },
  { name: 'jobs_meta mirrored', told: ['job.closed', 'job.mirrored'] },
  { name: 'lease renewed', told: ['lease.renewed'], waitMs: 1_100 },
];

/** The step of the graph that is meant. */
export function stepOf({ steps, middle, last }: WorkGraph, of: 'middle' | 'next' | 'last'): string {
  if (of === 'middle') return middle;
  if (of === 'last') return last;
  return Object.keys(steps).find((step) => steps[step]?.includes(middle)) ?? last;
}
