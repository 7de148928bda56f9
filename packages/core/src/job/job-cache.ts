import { z } from 'zod';

const jobCache = z.object({
  /** False: the job computes everything anew, and records it. */
  use: z.boolean().default(true),
  min_confidence: z.number().min(0).max(1).nullable().default(null),
  accept_stochastic: z.boolean().default(false),
  outcome: z.enum(['hit', 'miss']).default('miss'),
  reason: z.string().nullable().default(null),
  cache_key: z.string().nullable().default(null),
});

/** `jobs.cache`: what the submitter asked of the cache, and what it answered for the job as a whole. */
export type JobCache = z.output<typeof jobCache>;

export function parseJobCache(value: unknown): JobCache {
  return jobCache.parse(value ?? {});
}
