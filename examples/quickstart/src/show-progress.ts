import type { JobEvent } from '@mad/core';
import { Presets, SingleBar } from 'cli-progress';

// Share of the whole that each step has in a usual run: docking is nearly all of it.
const SHARES: Readonly<Record<string, number>> = { 'prepare-receptor': 4, 'prepare-ligand': 4, dock: 92 };
const ENDS: ReadonlySet<string> = new Set([
  'TASK_COMPLETED',
  'TASK_CACHED',
  'TASK_FAILED',
  'TASK_CANCELED',
  'TASK_LOST',
]);
/** Columns that the text beside the bar takes. */
const TEXT_WIDTH = 45;

/**
 * Draws a job's timeline as one bar on standard error while it is consumed; on something that is no terminal, as a line an event. The terminal
 * is as it was before when this settles, whatever ended the timeline.
 */
export async function showProgress(events: AsyncIterable<JobEvent>): Promise<void> {
  const bar = process.stderr.isTTY ? createBar() : undefined;
  const done = new Map<string, number>();
  const running = new Set<string>();
  let label = 'waiting';
  bar?.start(100, 0, { step: label });
  try {
    for await (const { event, metadata } of events) {
      const step = String(metadata.task_name ?? '');
      if (event === 'TASK_STARTED') running.add(step);
      if (event === 'TASK_PROGRESS') done.set(step, Number(metadata.progress));
      if (event === 'TASK_COMPLETED' || event === 'TASK_CACHED') done.set(step, 1);
      if (ENDS.has(event)) running.delete(step);
      const percent = Object.entries(SHARES).reduce((sum, [name, share]) => sum + share * (done.get(name) ?? 0), 0);
      label = step === '' ? event.toLowerCase() : (findLargest(running) ?? label);
      bar?.update(event === 'COMPLETED' ? 100 : Math.floor(percent), { step: label });
      if (!bar) process.stderr.write(`  ${Math.floor(percent).toString().padStart(3)} % ${event} ${step}\n`);
    }
  } finally {
    bar?.stop();
  }
}

function createBar(): SingleBar {
  const options = {
    format: '  {bar} {percentage} % · {step} · {duration_formatted}',
    barsize: Math.max(5, Math.min(40, (process.stderr.columns || 80) - TEXT_WIDTH)),
    hideCursor: true,
    stream: process.stderr,
  };
  return new SingleBar(options, Presets.shades_classic);
}

/** Of steps that run side by side the one that the whole waits for longest; the first of equals, so that the label stays. */
function findLargest(running: ReadonlySet<string>): string | undefined {
  return [...running].sort((a, b) => (SHARES[b] ?? 0) - (SHARES[a] ?? 0))[0];
}
