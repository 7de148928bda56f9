import { constants } from 'node:os';

const SIGNALS = ['SIGINT', 'SIGTERM'] as const;
/** npm can hand one Ctrl-C on twice; only a later one means that somebody will not wait. */
const SAME_KEY_MS = 1_000;

/** The reason of an abort by a signal: everything is brought to its end in good order, then the process exits as by that signal. */
export class StoppedError extends Error {
  readonly exitCode: number;
  constructor(signal: (typeof SIGNALS)[number]) {
    super(`stopped by ${signal}`);
    this.exitCode = 128 + constants.signals[signal];
  }
}

/** Aborts, with a `StoppedError`, at the first Ctrl-C or SIGTERM. The next one ends the process at once. */
export function stopOnSignal(): AbortSignal {
  const stop = new AbortController();
  let since = 0;
  for (const signal of SIGNALS) {
    process.on(signal, () => {
      const stopped = new StoppedError(signal);
      if (!stop.signal.aborted) since = performance.now();
      else if (performance.now() - since > SAME_KEY_MS) process.exit(stopped.exitCode);
      stop.abort(stopped);
    });
  }
  return stop.signal;
}
