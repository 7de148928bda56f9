/** Reports at most one fraction each `everyMs`, one at a time, and never a smaller one; what comes in between is dropped. */
export function createProgressReporter(options: {
  everyMs: number;
  report: (fraction: number) => Promise<void>;
}): (fraction: number) => void {
  let nextAt = 0;
  let best = 0;
  let busy = false;
  return (fraction) => {
    // A runner may report anything.
    if (typeof fraction !== 'number' || busy || !(fraction > best) || fraction > 1 || performance.now() < nextAt)
      return;
    best = fraction;
    busy = true;
    nextAt = performance.now() + options.everyMs;
    // Progress is not worth a run: a report that cannot be written is dropped, and whoever keeps the lease learns of a real loss.
    void options
      .report(fraction)
      .catch(() => {})
      .finally(() => {
        busy = false;
      });
  };
}
