import type { JobPlan, PlannedPart, PlannedStep } from '@mad/cache';
import { count, formatDuration } from './amounts.ts';
import { nearestLines } from './nearest-text.ts';

type Percentiles = JobPlan['quota']['computeSeconds'];

/** A paragraph for the job and each step, and what all of it would take, for people. */
export function formatPlan(
  { pipelineVersion, job, steps, expected, quota }: JobPlan,
  plannedWithout: readonly string[],
): string {
  const lines = [`a job of ${pipelineVersion}`, '', ...toLines('whole job', job)];
  for (const step of steps) lines.push(...toLines(`${step.taskName} (${step.taskKey})`, step), ...timeLines(step));
  const { elapsedSeconds, unknownSteps } = expected;
  const isAnswered = job.outlook === 'hit' || job.outlook === 'join';
  lines.push('');
  if (elapsedSeconds !== null)
    lines.push(`${job.outlook === 'join' ? 'left of it' : 'from start to end'}: ${spanOf(elapsedSeconds)}`);
  if (unknownSteps.length > 0) lines.push(`never computed before: ${unknownSteps.join(', ')}`);
  lines.push(
    `computes ${isAnswered ? 'nothing' : spanOf(quota.computeSeconds)}, ${count(quota.jobs, 'job')} of a quota`,
  );
  lines.push(
    `planned without the platform's ${plannedWithout.join(' and ')}: where its cache has such, planJob in its own code is exact`,
  );
  if (isForeign([job, ...steps]))
    lines.push('entries are sealed with another secret: set MAD_CACHE_SECRET to that of the platform and plan again');
  return `${lines.join('\n')}\n`;
}

const isForeign = (parts: readonly PlannedPart[]): boolean => parts.some(({ rule }) => rule.facts.seal === 'foreign');

function toLines(name: string, { outlook, rule, nearest }: PlannedPart): readonly string[] {
  return [`${name}: ${outlook} – ${rule.words}`, ...nearestLines(nearest)];
}

function timeLines({ outlook, expected }: PlannedStep): readonly string[] {
  if (expected === null) return [];
  const basis = expected.basis.length === 0 ? '' : ` with the same ${expected.basis.join(', ')}`;
  const verb = outlook === 'join' ? 'has left' : 'takes';
  return [`  ${verb} ${spanOf(expected)} by ${count(expected.samples, 'earlier run')}${basis}`];
}

/** Half of all take no longer than the first, 95 of 100 no longer than the second. */
const spanOf = ({ p50, p95 }: Percentiles): string =>
  `${formatDuration(p50 * 1_000)} (95 %: ${formatDuration(p95 * 1_000)})`;
