import { setTimeout } from 'node:timers/promises';
import type { JobStatus } from '@mad/core';
import { sql } from 'kysely';
import { findViolations } from './find-violations.ts';
import { findMirroredStatus, isLost, readJobRows } from './job-rows.ts';
import { prepareLives } from './lives.ts';
import { ORG_ID, type PropertyWorld } from './property-world.ts';
import type { RandomCase } from './random-case.ts';
import type { TriedJob } from './scripted-tasks.ts';
import { submitRandomJob } from './submit-random-job.ts';

/** Every job of a case ends within this time, whatever befalls it. */
const ENDED_WITHIN_MS = 25_000;
const MIRRORED_WITHIN_MS = 5_000;
/** Answers are not waited for, but leases are given back and mirrors written. */
const STOPPED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 10;

/** What a case came to. */
export interface CaseOutcome {
  /** What was not as promised, each once. */
  readonly violations: readonly string[];
  readonly statuses: readonly JobStatus[];
  readonly calls: number;
  /** Attempts whose answer was lost. */
  readonly lost: number;
  readonly crashes: number;
}

/** Runs the jobs of a case through all that befalls them. */
export async function runCase(world: PropertyWorld, random: RandomCase): Promise<CaseOutcome> {
  await world.clear();
  const jobs = new Map<string, TriedJob>();
  const found: string[] = [];
  const lives = prepareLives(world, { random, jobs });
  try {
    for (const job of random.jobs) {
      const tried = await submitRandomJob(lives.platform, job);
      jobs.set(tried.jobId, tried);
    }
    for (const job of jobs.values()) await setDeadline(world, job);
    lives.start();
    for (const job of jobs.values()) if (job.random.cancel?.atCall === 0) job.cancel();
    const isEnded = await within(ENDED_WITHIN_MS, () => areEnded(world, [...jobs.keys()]));
    if (!isEnded) found.push(`jobs did not end within ${ENDED_WITHIN_MS} ms`);
    const isMirrored = await within(MIRRORED_WITHIN_MS, () => areMirrored(world, [...jobs.keys()]));
    if (!isMirrored) found.push(`jobs_meta differs from jobs after ${MIRRORED_WITHIN_MS} ms`);
  } finally {
    const stopped = lives.end().then(() => true);
    const isLate = setTimeout(STOPPED_WITHIN_MS, false, { ref: false });
    if (!(await Promise.race([stopped, isLate]))) found.push(`executors did not stop within ${STOPPED_WITHIN_MS} ms`);
  }
  const ended = await Promise.all(
    [...jobs.values()].map(async (job) => {
      await job.canceling;
      return { job, rows: await readJobRows(world.results, job.jobId) };
    }),
  );
  for (const { job, rows } of ended) found.push(...job.violations, ...findViolations(job, rows));
  return {
    violations: [...new Set(found)],
    statuses: ended.map(({ rows }) => rows.job.status),
    calls: ended.reduce((sum, { job }) => sum + job.calls, 0),
    lost: ended.reduce((sum, { rows }) => sum + rows.executions.filter(isLost).length, 0),
    crashes: lives.crashed,
  };
}

/** A short deadline might pass while the jobs are submitted, which is refused. */
async function setDeadline({ results }: PropertyWorld, { jobId, random: { deadlineMs } }: TriedJob): Promise<void> {
  if (deadlineMs === undefined) return;
  const deadline = sql<Date>`now() + ${deadlineMs} * interval '1 ms'`;
  await results.updateTable('jobs').set({ deadline }).where('job_id', '=', jobId).execute();
}

async function within(ms: number, holds: () => Promise<boolean>): Promise<boolean> {
  for (const until = performance.now() + ms; performance.now() < until; await setTimeout(LOOK_EVERY_MS))
    if (await holds()) return true;
  return holds();
}

async function areEnded({ results }: PropertyWorld, jobIds: readonly string[]): Promise<boolean> {
  const open = await results
    .selectFrom('jobs')
    .select('job_id')
    .where('job_id', 'in', jobIds)
    .where('status', 'in', ['PENDING', 'RUNNING'])
    .execute();
  return open.length === 0;
}

async function areMirrored({ results, metadata }: PropertyWorld, jobIds: readonly string[]): Promise<boolean> {
  const jobs = await results.selectFrom('jobs').select(['job_id', 'status']).where('job_id', 'in', jobIds).execute();
  for (const { job_id: jobId, status } of jobs)
    if ((await findMirroredStatus(metadata, { orgId: ORG_ID, jobId })) !== status) return false;
  return true;
}
