import type { CrashPoint } from '../../executor/crash/crash-points.ts';

/** A moment in which the process that leads is killed. */
export interface FlightPoint extends CrashPoint {
  /** Killed so much later. @default 0 */
  readonly afterMs?: number;
  /** Calls of the work in common, those of all processes counted. */
  readonly callsAtMost: 1 | 2;
}

/** How long the work in common takes at its service. */
export const WORK_MS = 1_200;

/** In their order along the way. */
export const FLIGHT_POINTS: readonly FlightPoint[] = [
  { name: 'claimed', told: ['job.claimed'], callsAtMost: 1 },
  { name: 'about to call', told: [{ point: 'attempt.started', of: 'middle' }], callsAtMost: 1 },
  { name: 'request sent', told: [], seen: 'request sent', callsAtMost: 2 },
  {
    name: 'in the middle of the call',
    told: [{ point: 'attempt.called', of: 'middle' }],
    afterMs: WORK_MS / 2,
    callsAtMost: 2,
  },
  { name: 'half an answer received', told: [], seen: 'half a response', bytes: 400_000, callsAtMost: 2 },
  {
    name: 'file of the answer written',
    told: [{ point: 'attempt.called', of: 'middle' }],
    seen: 'artifact written',
    callsAtMost: 2,
  },
  { name: 'answered', told: [{ point: 'attempt.answered', of: 'middle' }], callsAtMost: 2 },
  {
    name: 'entry written, not committed',
    told: [{ point: 'attempt.answered', of: 'middle' }, 'cache.recorded'],
    callsAtMost: 2,
  },
  { name: 'committed', told: [{ point: 'step.completed', of: 'middle' }], callsAtMost: 1 },
  { name: 'job closed', told: ['job.closed'], callsAtMost: 1 },
];
