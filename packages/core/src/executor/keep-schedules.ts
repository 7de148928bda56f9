import { systemClock } from '../clock.ts';
import { type RunDueSchedules, runDueSchedules } from '../job/schedule/run-due-schedules.ts';
import { silentLogger } from '../logger.ts';
import type { Platform } from '../platform.ts';

export interface KeepSchedules extends RunDueSchedules {
  /** How often it is looked for schedules that are due. @default 2_000 */
  readonly everyMs?: number | undefined;
}

/** Submits the jobs of due schedules, now and then, until the signal aborts. Never rejects. Any number of executors may do so at once. */
export async function keepSchedules(
  platform: Platform,
  { everyMs = 2_000, signal, ...options }: KeepSchedules & { readonly signal: AbortSignal },
): Promise<void> {
  const { clock = systemClock, logger = silentLogger } = platform;
  while (!signal.aborted) {
    try {
      await runDueSchedules(platform, options);
    } catch (error) {
      logger.warn({ err: error }, 'due schedules could not be read; it is tried again');
    }
    await clock.sleep(everyMs, signal).catch(() => {});
  }
}
