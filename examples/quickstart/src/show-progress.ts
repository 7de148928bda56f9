import type { JobEvent } from '@mad/core';
import { Presets, SingleBar } from 'cli-progress';

// Share of the whole that each step has in a usual run: docking is nearly all of it.
const SHARES: Readonly<Record<string, number>> = { 'prepare-receptor': 4, 'prepare-ligand': 4, dock: 92 };

/** Draws a job's timeline as one bar on standard error while it is consumed; on something that is no terminal, as a line an event. */
export async function showProgress(events: AsyncIterable<JobEvent>): Promise<JobEvent | undefined> {
  const bar = process.stderr.isTTY
    ? new SingleBar(
        { format: '  {bar} {percentage} % · {step} · {duration_formatted}', hideCursor: true, stream: process.stderr },
        Presets.shades_classic,
      )
    : undefined;
  const done = new Map<string, number>();
  bar?.start(100, 0, { step: 'waiting' });
  let last: JobEvent | undefined;
  for await (const event of events) {
    last = event;
    const step = String(event.metadata.task_name ?? '');
    if (event.event === 'TASK_PROGRESS') done.set(step, Number(event.metadata.progress));
    if (event.event === 'TASK_COMPLETED' || event.event === 'TASK_CACHED') done.set(step, 1);
    const percent = Object.entries(SHARES).reduce((sum, [name, share]) => sum + share * (done.get(name) ?? 0), 0);
    bar?.update(event.event === 'COMPLETED' ? 100 : Math.floor(percent), { step: step || event.event.toLowerCase() });
    if (!bar) process.stderr.write(`  ${Math.floor(percent).toString().padStart(3)} % ${event.event} ${step}\n`);
  }
  bar?.stop();
  return last;
}
