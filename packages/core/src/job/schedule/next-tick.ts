import { Cron } from 'croner';
import type { ValidationIssue } from '../../errors.ts';

/** When a schedule ticks. */
export interface ScheduleClock {
  readonly cron: string;
  readonly timezone: string;
}

// Without this the library would also take a date, which ticks once.
const FORM = /^(@(yearly|annually|monthly|weekly|daily|midnight|hourly)|\S+( +\S+){4})$/i;

/**
 * The first tick after a time; null when none is to come. At a change to summer time a fixed hour that is skipped ticks right after the gap, at the
 * change back one that comes twice ticks once; patterns of intervals go through both as the hours pass.
 */
export function nextTick({ cron, timezone }: ScheduleClock, after: Date): Date | null {
  return new Cron(cron, { timezone, mode: '5-part', paused: true }).nextRun(after);
}

/** Every place in which this is no clock that ticks; none for one that does. */
export function findClockIssues({ cron, timezone }: ScheduleClock, now: Date): readonly ValidationIssue[] {
  if (!isTimeZone(timezone))
    return [{ pointer: '/timezone', message: 'expected an IANA time zone such as Europe/Berlin' }];
  const expected =
    'expected five fields – minute 0-59, hour 0-23, day of the month 1-31, month 1-12, day of the week 0-7 – such as 30 2 * * 1-5, or @daily';
  if (cron.length > 200 || !FORM.test(cron)) return [{ pointer: '/cron', message: expected }];
  try {
    if (nextTick({ cron, timezone }, now)) return [];
    return [{ pointer: '/cron', message: 'this time never comes; expected one that does' }];
  } catch {
    return [{ pointer: '/cron', message: expected }];
  }
}

/** Names alone: whether offsets are taken differs between versions of Node. */
function isTimeZone(name: string): boolean {
  try {
    return /^[a-z]/i.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }) !== undefined;
  } catch {
    return false;
  }
}
