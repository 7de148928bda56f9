import { createHash } from 'node:crypto';
import { type ArtifactStore, type Clock, type Logger, NotFoundError, type OrgId, parseArtifactUri } from '@mad/core';
import PQueue from 'p-queue';

/** The files that an entry names. */
export interface NamedFiles {
  readonly orgId: OrgId;
  /** Key → artifact URI. */
  readonly artifactMap: Readonly<Record<string, string>>;
  /** Digest → size in bytes. */
  readonly sizes: Readonly<Record<string, number>>;
  /** True: every file is read, whatever is known of it. @default false */
  readonly rehash?: boolean | undefined;
}

/** `fault`: the store cannot tell now, so nothing is served and nobody condemned. */
export interface BrokenFile {
  readonly found: 'artifact_missing' | 'artifact_altered' | 'fault';
  readonly key: string;
  readonly uri: string;
}

export interface ProvenFilesOptions {
  readonly artifacts: ArtifactStore;
  /** Share of the checks that read a file although it is known. */
  readonly rehashRate: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Files that are looked at or read at once. */
const CONCURRENCY = 32;
/** Of each some 150 bytes of memory. */
const MOST_REMEMBERED = 100_000;
/** Versions are times in the end: a file that was written twice within one tick of its clock may have one version with two contents. */
const UNSETTLED_MS = 2_000;
/** For so long after a fault of its storage all files of an organization are read. */
const DOUBT_MS = 10 * 60_000;

/**
 * Tells whether files still are what they were when they were stored. A file is read in full when this process sees it for the first time, whenever its
 * version has changed since, at a sampled rate, and for ten minutes after a fault of its store; otherwise its version and its size are asked for.
 * Where the store names no version every file is read every time.
 */
export class ProvenFiles {
  readonly #options: ProvenFilesOptions;
  readonly #queue = new PQueue({ concurrency: CONCURRENCY });
  /** `<organization>/<digest>` → the version under which the bytes had that digest. */
  readonly #versions = new Map<string, string>();
  readonly #doubtUntil = new Map<OrgId, number>();

  constructor(options: ProvenFilesOptions) {
    this.#options = options;
  }

  /** The first file that is gone, altered, of another organization or none at all; undefined when all are sound. */
  async findBroken({ orgId, artifactMap, sizes, rehash = false }: NamedFiles): Promise<BrokenFile | undefined> {
    const seen = new Set<string>();
    for (const [key, uri] of Object.entries(artifactMap)) {
      if (seen.has(uri)) continue;
      seen.add(uri);
      const found = await this.#queue.add(() => this.#judge(orgId, { uri, sizes, rehash }));
      if (found !== 'sound') return { found, key, uri };
    }
    return undefined;
  }

  async #judge(
    orgId: OrgId,
    { uri, sizes, rehash }: { uri: string; sizes: Readonly<Record<string, number>>; rehash: boolean },
  ): Promise<'sound' | BrokenFile['found']> {
    const address = parseArtifactUri(uri);
    if (address?.orgId !== orgId) return 'artifact_missing';
    const { digest } = address;
    try {
      const { artifacts, rehashRate, clock } = this.#options;
      const file = await artifacts.head(orgId, digest);
      if (file === undefined) return 'artifact_missing';
      if (file.sizeBytes !== sizes[digest]) return 'artifact_altered';
      const name = `${orgId}/${digest}`;
      const isKnown = file.version !== undefined && this.#versions.get(name) === file.version;
      if (isKnown && !rehash && !this.#isDoubted(orgId) && !(rehashRate > 0 && Math.random() < rehashRate))
        return 'sound';
      this.#versions.delete(name);
      if ((await hashOf(await artifacts.get(orgId, digest))) !== digest) return 'artifact_altered';
      const age = clock.now().getTime() - (file.storedAt?.getTime() ?? Number.NaN);
      if (file.version !== undefined && age >= UNSETTLED_MS) this.#remember(name, file.version);
      return 'sound';
    } catch (err) {
      if (err instanceof NotFoundError) return 'artifact_missing';
      this.#doubt(orgId);
      this.#options.logger.warn({ err, org_id: orgId, uri }, 'an artifact of the cache could not be looked at');
      return 'fault';
    }
  }

  #isDoubted(orgId: OrgId): boolean {
    const until = this.#doubtUntil.get(orgId);
    if (until === undefined) return false;
    if (this.#options.clock.now().getTime() < until) return true;
    this.#doubtUntil.delete(orgId);
    return false;
  }

  #doubt(orgId: OrgId): void {
    this.#doubtUntil.set(orgId, this.#options.clock.now().getTime() + DOUBT_MS);
  }

  #remember(name: string, version: string): void {
    this.#versions.set(name, version);
    for (const oldest of this.#versions.keys()) {
      if (this.#versions.size <= MOST_REMEMBERED) break;
      this.#versions.delete(oldest);
    }
  }
}

async function hashOf(content: AsyncIterable<Uint8Array | string>): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of content) hash.update(chunk);
  return hash.digest('hex');
}
