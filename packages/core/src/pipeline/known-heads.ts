import type { Caller } from '../access/caller.ts';
import type { MetadataDatabase } from '../metadata/metadata-database.ts';
import { Recent } from '../recent.ts';
import type { PublishedHead } from './published-pipeline.ts';

/** Which version a caller means, as it was a moment ago. */
interface KnownHead {
  readonly head: PublishedHead;
  readonly readAt: number;
}

export type KnownHeads = Recent<string, KnownHead>;

/** How long another process's publishing, deprecating or change of visibility may go unnoticed here. */
const FRESH_MS = 1_000;
const MOST = 10_000;
const known = new WeakMap<MetadataDatabase, KnownHeads>();

/** What is known now. Whoever reads the database for more writes into what it was given before: what was forgotten meanwhile stays forgotten. */
export function knownHeads(metadata: MetadataDatabase): KnownHeads {
  const found = known.get(metadata) ?? new Recent<string, KnownHead>(MOST);
  known.set(metadata, found);
  return found;
}

/** The head that was read less than a second ago. Asking for it each time is five messages to the database, and half the time of a cached job. */
export function findKnownHead(heads: KnownHeads, key: string): PublishedHead | undefined {
  const found = heads.get(key);
  return found && performance.now() - found.readAt < FRESH_MS ? found.head : undefined;
}

export function keepHead(heads: KnownHeads, key: string, head: PublishedHead): void {
  heads.set(key, { head, readAt: performance.now() });
}

/** What may be run has changed by this process: the next submission sees it. */
export function forgetHeads(metadata: MetadataDatabase): void {
  known.delete(metadata);
}

/** A private pipeline is seen by its maker alone. */
export function headKey({ orgId, userId }: Caller, wanted: { pipeline: string; version?: string | undefined }): string {
  return JSON.stringify([orgId, userId, wanted.pipeline, wanted.version]);
}
