import {
  type CacheCandidate,
  findByPointer,
  type JsonObject,
  listCacheCandidates,
  type ResultsDatabase,
} from '@mad/core';
import { toDifference } from './difference-words.ts';
import type { NearestEntry } from './explanation.ts';
import { asAsked, differingComponents, isFile } from './key-differences.ts';
import type { OriginalContents } from './original-contents.ts';

/** A question that nothing was served for. */
export interface AskedQuestion {
  readonly taskName: string;
  /** Null: a whole job. */
  readonly taskKey: string | null;
  readonly cacheKey: string;
  readonly inputSignature: string;
  readonly keyComponents: JsonObject;
  /** Absent: now. */
  readonly askedAt?: Date | undefined;
}

export interface FindNearest {
  readonly questions: readonly AskedQuestion[];
  /** Entries that this job made are not compared with. */
  readonly exceptJobId?: string | undefined;
  readonly contents: OriginalContents;
}

/** Differences that are told; the others are counted. */
const MAX_DIFFERENCES = 20;

/**
 * For each question, by its step instance, the entry made before it with the fewest differing components, the newest of equals. Compared are entries of the
 * same content and the newest few hundred of the same task, as they were when the first question about that task was asked.
 */
export async function findNearest(
  results: ResultsDatabase,
  { questions, exceptJobId, contents }: FindNearest,
): Promise<ReadonlyMap<string, NearestEntry>> {
  const nearest = new Map<string, NearestEntry>();
  for (const [taskKey, asked] of Map.groupBy(questions, (question) => question.taskKey)) {
    const candidates = await listCacheCandidates(results, {
      taskKey,
      exceptJobId,
      inputSignatures: [...new Set(asked.map(({ inputSignature }) => inputSignature))],
      before: earliest(asked),
    });
    const newest = candidates
      .map((entry) => ({ ...entry, key_components: asAsked(entry.key_components) }))
      .sort((a, b) => b.created_at.getTime() - a.created_at.getTime());
    for (const given of asked) {
      const question = { ...given, keyComponents: asAsked(given.keyComponents) };
      const found = findFewest(question.keyComponents, newest);
      if (found) nearest.set(question.taskName, await toNearest(question, { ...found, contents }));
    }
  }
  return nearest;
}

function earliest(asked: readonly AskedQuestion[]): Date | undefined {
  const times = asked.flatMap(({ askedAt }) => askedAt?.getTime() ?? []);
  return times.length > 0 ? new Date(times.reduce((a, b) => Math.min(a, b))) : undefined;
}

function findFewest(
  asked: JsonObject,
  candidates: readonly CacheCandidate[],
): { readonly entry: CacheCandidate; readonly components: readonly string[] } | undefined {
  let best: { entry: CacheCandidate; components: readonly string[] } | undefined;
  for (const entry of candidates) {
    const components = differingComponents(entry.key_components, asked);
    if (!best || components.length < best.components.length) best = { entry, components };
  }
  return best;
}

async function toNearest(
  question: AskedQuestion,
  { entry, components, contents }: { entry: CacheCandidate; components: readonly string[]; contents: OriginalContents },
): Promise<NearestEntry> {
  const differences = [];
  for (const component of components.slice(0, MAX_DIFFERENCES)) {
    const before = findByPointer(entry.key_components, component);
    const after = findByPointer(question.keyComponents, component);
    const words =
      isFile(before) && isFile(after)
        ? await contents.compare(component, {
            after: question.taskName,
            before: { jobId: entry.canonical_job_id, taskName: entry.task_name },
          })
        : undefined;
    differences.push(toDifference(component, { before, after }, words));
  }
  return {
    cacheKey: entry.cache_key,
    canonicalJobId: entry.canonical_job_id,
    taskName: entry.task_name,
    pipelineVersion: entry.pipeline_version,
    confidenceScore: entry.confidence_score,
    createdAt: entry.created_at,
    distance: components.length,
    differences,
  };
}
