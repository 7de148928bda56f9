import type { Terminal } from '../terminal.ts';

const CLEAR_LINE = '\r\u001b[2K';
const SHOW_EVERY_MS = 100;

/** Lets long work show in one line how far it is, on a terminal only; the line is gone when the work has ended. */
export async function showProgress<Result>(
  { err, errIsTerminal }: Terminal,
  run: (show: (line: string) => void) => Promise<Result>,
): Promise<Result> {
  if (!errIsTerminal) return run(() => {});
  let shownAt = Number.NEGATIVE_INFINITY;
  const show = (line: string): void => {
    const now = performance.now();
    if (now - shownAt < SHOW_EVERY_MS) return;
    shownAt = now;
    err(`${CLEAR_LINE}${line}`);
  };
  try {
    return await run(show);
  } finally {
    err(CLEAR_LINE);
  }
}
