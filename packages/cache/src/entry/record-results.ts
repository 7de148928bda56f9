import {
  type DriftedEntry,
  type EntryToWeigh,
  type EntryToWrite,
  isRepeatable,
  type JsonObject,
  type Logger,
  type LookedUpEntry,
  type NewCacheEntry,
  type OrgId,
  parseArtifactUri,
  type ReplacedEntry,
  type ResultsTransaction,
  type WeighedEntry,
  weighEntries,
  writeEntries,
} from '@mad/core';
import { contentDigestOf, findObstacle } from './judge-entry.ts';
import { isSameAnswer } from './same-answer.ts';
import type { Sealer } from './seal.ts';

export interface RecorderOptions {
  readonly sealer: Sealer;
  readonly logger: Logger;
  readonly maxAgeMs: number | undefined;
  readonly slidingMs: number | undefined;
}

/** What becomes of a new result: it is written, it is left, or it shows that the entry is not to be trusted and neither is itself. */
interface Verdict {
  readonly entry?: EntryToWrite | undefined;
  readonly replaced?: ReplacedEntry | undefined;
  readonly yields?: boolean | undefined;
  readonly drifted?: DriftedEntry | undefined;
}

/** Writes new results as entries, as `ResultCache.record` promises, in two statements. */
export async function recordResults(
  options: RecorderOptions,
  tx: ResultsTransaction,
  { orgId, entries }: { readonly orgId: OrgId; readonly entries: readonly NewCacheEntry[] },
): Promise<void> {
  const given = bestOfEach(entries.filter((entry) => hasKnownSizes(options.logger, { orgId, entry })));
  if (given.size === 0) return;
  const weighed = await weighEntries(tx, { entries: [...given.values()].map(toWeigh) });
  const verdicts = weighed.flatMap((row) => {
    const result = given.get(row.new_key);
    return result ? { result, verdict: judge(options, { orgId, row, result }) } : [];
  });
  const drifted = verdicts.flatMap(({ verdict }) => verdict.drifted ?? []);
  // The whole of a job that drifted in one of its steps is no better than the step.
  const tainted = new Set(drifted.map(({ job_id }) => job_id));
  const kept = verdicts.filter(
    ({ result, verdict }) => verdict.entry && !(result.taskName === '*' && tainted.has(result.canonicalJobId)),
  );
  if (kept.length === 0 && drifted.length === 0) return;
  await writeEntries(tx, {
    entries: kept.flatMap(({ verdict }) => verdict.entry ?? []),
    replaced: kept.flatMap(({ verdict }) => verdict.replaced ?? []),
    yielding: kept.flatMap(({ result, verdict }) => (verdict.yields ? result.identity.cacheKey : [])),
    drifted,
  });
  for (const { cache_key, canonical_job_id, job_id } of drifted)
    options.logger.warn(
      { org_id: orgId, cache_key, canonical_job_id, job_id },
      'a result came out otherwise when it was computed again, and is no longer served',
    );
}

/** What a service says of a file is not to be trusted: without a true size the file cannot be verified, and the result is served to nobody. */
function hasKnownSizes(
  logger: Logger,
  { orgId, entry }: { readonly orgId: OrgId; readonly entry: NewCacheEntry },
): boolean {
  const sizes = Object.values(entry.artifacts).map(({ sizeBytes }) => sizeBytes);
  const sum = sizes.reduce((before, size) => before + size, 0);
  if ([...sizes, sum].every((size) => Number.isSafeInteger(size) && size >= 0)) return true;
  const { identity, taskName, canonicalJobId } = entry;
  logger.warn(
    { org_id: orgId, cache_key: identity.cacheKey, job_id: canonicalJobId, task_name: taskName },
    'a result names files without their sizes in bytes, and is not kept for others',
  );
  return false;
}

/** Equal requests that ended together: the one of the best confidence, the first of those. */
function bestOfEach(entries: readonly NewCacheEntry[]): ReadonlyMap<string, NewCacheEntry> {
  const best = new Map<string, NewCacheEntry>();
  for (const entry of entries) {
    const before = best.get(entry.identity.cacheKey);
    if (before === undefined || isBetter(entry.confidenceScore, before.confidenceScore))
      best.set(entry.identity.cacheKey, entry);
  }
  return best;
}

const isBetter = (score: number | null, than: number | null): boolean =>
  score !== null && (than === null || score > than);

function toWeigh({ identity, taskName, canonicalJobId, artifacts, producer }: NewCacheEntry): EntryToWeigh {
  const files = Object.entries(artifacts);
  return {
    cache_key: identity.cacheKey,
    task_name: taskName,
    canonical_job_id: canonicalJobId,
    artifact_map: Object.fromEntries(files.map(([key, { uri }]) => [key, uri])),
    artifact_sizes: Object.fromEntries(
      files.map(([, { uri, sizeBytes }]) => [parseArtifactUri(uri)?.digest ?? uri, sizeBytes]),
    ),
    producer,
  };
}

function judge(
  options: RecorderOptions,
  { orgId, row, result }: { readonly orgId: OrgId; readonly row: WeighedEntry; readonly result: NewCacheEntry },
): Verdict {
  // Its rows are gone already, or a step of its job is not to be trusted.
  if (row.new_digest === null || row.has_drifted) return {};
  const standing = toStanding(row);
  const entry = toWrite(options, { orgId, row, result, contentDigest: row.new_digest });
  if (standing === undefined) return { entry };
  const obstacle = findObstacle(standing, { acceptStochastic: true });
  const yields = obstacle !== undefined || isAltered(options.sealer, { orgId, standing });
  if (!yields && hasDrifted(row, result)) {
    const { canonical_job_id } = standing;
    return { drifted: { cache_key: row.new_key, canonical_job_id, job_id: result.canonicalJobId } };
  }
  if (!yields && !isBetter(result.confidenceScore, standing.confidence_score)) return {};
  const { canonical_job_id, confidence_score } = standing;
  const replaced: ReplacedEntry = {
    cache_key: row.new_key,
    event: yields ? 'RECORDED_ANEW' : 'RECORDED_BETTER',
    reason: obstacle ?? null,
    canonical_job_id,
    confidence_score,
    metadata: { ...row.metadata, job_id: result.canonicalJobId },
  };
  return { entry, replaced, yields };
}

function toStanding(row: WeighedEntry): LookedUpEntry | undefined {
  return row.cache_key === null ? undefined : (row as unknown as LookedUpEntry);
}

/** Rows that this transaction cannot see yet condemn nothing. */
function isAltered(
  sealer: Sealer,
  { orgId, standing }: { readonly orgId: OrgId; readonly standing: LookedUpEntry },
): boolean {
  if (sealer.judge(orgId, standing) !== 'sound') return true;
  return (
    standing.task_name !== '*' && standing.result !== null && contentDigestOf(standing) !== standing.content_digest
  );
}

/**
 * Whether a repeatable answer came out otherwise than before. Asked of steps alone: what a whole job gives follows from them, and they know which parts of their
 * answers differ from run to run. Answers with seeds drawn for each are no repetition of one another.
 */
function hasDrifted(row: WeighedEntry, result: NewCacheEntry): boolean {
  if (row.task_name === '*' || row.canonical_job_id === result.canonicalJobId || !isRepeatable(row.determinism))
    return false;
  if (row.new_result === null || row.result === null) return false;
  const before = JSON.parse(row.producer ?? '{}') as JsonObject;
  if (before.seed !== result.producer.seed) return false;
  return !isSameAnswer(row.result, row.new_result, result.ignoredAnswerPointers);
}

function toWrite(
  { sealer, maxAgeMs, slidingMs }: RecorderOptions,
  {
    orgId,
    row,
    result,
    contentDigest,
  }: {
    readonly orgId: OrgId;
    readonly row: WeighedEntry;
    readonly result: NewCacheEntry;
    readonly contentDigest: string;
  },
): EntryToWrite {
  const { identity, confidenceScore, computeMs, metricsSummary, inputBytes } = result;
  const { determinism } = identity.keyComponents;
  const weighed = toWeigh(result);
  const files = Object.values(weighed.artifact_sizes).reduce<number>((sum, size) => sum + Number(size), 0);
  const sealed = {
    cache_key: identity.cacheKey,
    task_name: result.taskName,
    canonical_job_id: result.canonicalJobId,
    confidence_score: confidenceScore,
    determinism: typeof determinism === 'string' ? determinism : null,
    input_signature: identity.inputSignature,
    content_digest: contentDigest,
  };
  const texts = {
    artifact_map: row.new_artifact_map,
    artifact_sizes: row.new_artifact_sizes,
    producer: row.new_producer,
  };
  const limits = [maxAgeMs, slidingMs].filter((ms) => ms !== undefined);
  return {
    ...weighed,
    ...sealed,
    pipeline_version: result.pipelineVersion,
    metrics_summary: { ...metricsSummary, input_bytes: inputBytes },
    key_components: identity.keyComponents,
    compute_ms: Math.round(computeMs),
    size_bytes: files + (row.new_result_bytes ?? 0),
    seal: sealer.seal(orgId, { ...sealed, ...texts }),
    expires_in_ms: limits.length > 0 ? Math.min(...limits) : null,
    sliding_ms: slidingMs === undefined ? null : Math.round(slidingMs),
  };
}
