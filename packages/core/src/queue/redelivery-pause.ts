const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 30_000;

/** How long a job waits for its next delivery after so many rejected ones in a row: 100 ms, then twice as long each time, 30 s at most. */
export function redeliveryPauseMs(rejections: number): number {
  return Math.min(FIRST_PAUSE_MS * 2 ** (rejections - 1), LONGEST_PAUSE_MS);
}
