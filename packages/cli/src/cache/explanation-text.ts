import type { Explanation, JobExplanation } from '@mad/cache';
import { nearestLines } from './nearest-text.ts';

/** A paragraph a decision, for people. */
export function formatExplanation({ jobId, pipelineVersion, status, job, steps }: JobExplanation): string {
  const head = `job ${jobId} of ${pipelineVersion}, ${status}`;
  return `${[head, '', ...[job, ...steps].flatMap(toLines)].join('\n')}\n`;
}

function toLines({ taskName, taskKey, decision, rule, nearest }: Explanation): readonly string[] {
  const name = taskKey === null ? 'whole job' : `${taskName} (${taskKey})`;
  return [`${name}: ${decision.replaceAll('_', ' ')} – ${rule.words}`, ...nearestLines(nearest)];
}
