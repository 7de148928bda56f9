import type {
  CacheDecision,
  CachedResult,
  CacheHit,
  CacheMissReason,
  CacheQuestion,
  DamagedEntry,
  JsonObject,
  LookedUpEntry,
  OrgId,
} from '@mad/core';
import type { ProvenFiles } from '../artifacts/proven-files.ts';
import { type Damage, findAlteration, findObstacle } from './judge-entry.ts';
import type { Sealer } from './seal.ts';

export interface Verifier {
  readonly sealer: Sealer;
  readonly files: ProvenFiles;
  /** True: every file is read. @default false */
  readonly readsFiles?: boolean;
  /** True: of an entry that was sealed under another key rows and files are verified all the same. @default false: it is not served */
  readonly trustsForeign?: boolean;
}

/** What verification found: nothing, why the entry is not served now, or what damage takes it out of service. */
export interface Verified {
  readonly obstacle?: CacheMissReason;
  readonly damage?: DamagedEntry;
}

const SOUND: Verified = {};

/** Verifies an entry: its seal, the rows it serves, its files. At once where it has none. */
export function verifyEntry(
  { sealer, files, readsFiles = false, trustsForeign = false }: Verifier,
  { orgId, entry }: { readonly orgId: OrgId; readonly entry: LookedUpEntry },
): Verified | Promise<Verified> {
  const alteration = findAlteration(sealer, orgId, entry);
  if (alteration === 'foreign' && !trustsForeign) return { obstacle: 'invalidated' };
  if (alteration && alteration !== 'foreign') return damaged(entry, alteration, {});
  if (entry.artifact_map === '{}') return SOUND;
  const artifactMap = JSON.parse(entry.artifact_map) as Record<string, string>;
  const sizes = JSON.parse(entry.artifact_sizes) as Record<string, number>;
  return verifyFiles(entry, files.findBroken({ orgId, artifactMap, sizes, rehash: readsFiles }));
}

async function verifyFiles(entry: LookedUpEntry, looking: ReturnType<ProvenFiles['findBroken']>): Promise<Verified> {
  const broken = await looking;
  if (broken === undefined) return SOUND;
  if (broken.found === 'fault') return { obstacle: 'artifact_unreadable' };
  return damaged(entry, broken.found, { output: broken.key, uri: broken.uri });
}

function damaged(entry: LookedUpEntry, reason: Damage, facts: DamagedEntry['metadata']): Verified {
  const { cache_key: cacheKey, seal, canonical_job_id } = entry;
  return { obstacle: reason, damage: { cacheKey, seal, reason, metadata: { canonical_job_id, ...facts } } };
}

export interface Decide {
  readonly orgId: OrgId;
  readonly questions: readonly CacheQuestion[];
  /** By cache key. */
  readonly entries: ReadonlyMap<string, LookedUpEntry>;
  /** Where a question names none. */
  readonly minConfidence: number | undefined;
}

/** One decision a question, in their order; an entry that several ask for is verified once. */
export async function decide(
  verifier: Verifier,
  { orgId, questions, entries, minConfidence }: Decide,
): Promise<{ readonly decisions: readonly CacheDecision[]; readonly damaged: readonly DamagedEntry[] }> {
  const found = new Map<string, Verified>();
  const looking = new Map<string, Promise<Verified>>();
  const obstacles = questions.map((question) => {
    const entry = entries.get(question.cacheKey);
    if (entry === undefined) return 'no_entry';
    const obstacle = findObstacle(entry, question, minConfidence);
    if (obstacle !== undefined || found.has(entry.cache_key) || looking.has(entry.cache_key)) return obstacle;
    const verified = verifyEntry(verifier, { orgId, entry });
    if (verified instanceof Promise) looking.set(entry.cache_key, verified);
    else found.set(entry.cache_key, verified);
    return undefined;
  });
  for (const [cacheKey, verified] of looking) found.set(cacheKey, await verified);
  const decisions = questions.map(({ cacheKey }, index): CacheDecision => {
    const reason = obstacles[index] ?? found.get(cacheKey)?.obstacle;
    const entry = entries.get(cacheKey);
    return reason === undefined && entry ? toHit(entry) : { outcome: 'miss', reason: reason ?? 'no_entry' };
  });
  const damaged: DamagedEntry[] = [];
  for (const { damage } of found.values()) if (damage) damaged.push(damage);
  return { decisions, damaged };
}

function toHit(entry: LookedUpEntry): CacheHit {
  const { result } = entry;
  return {
    outcome: 'hit',
    canonicalJobId: entry.canonical_job_id,
    taskName: entry.task_name,
    confidenceScore: entry.confidence_score,
    result: result === null ? null : toResult(entry.service_name, entry.schema_version, result),
  };
}

/** Read from its text only where somebody asks: most hits of a plan are counted and forgotten. */
function toResult(serviceName: string | null, schemaVersion: string | null, text: string): CachedResult {
  let read: JsonObject | undefined;
  return {
    serviceName,
    schemaVersion,
    get resultData() {
      read ??= JSON.parse(text) as JsonObject;
      return read;
    },
  };
}
