import {
  type ArtifactStore,
  findByPointer,
  findJob,
  isArtifactReference,
  isMadError,
  type JsonObject,
  type JsonValue,
  listTaskResults,
  type OrgId,
  type Platform,
  type ResultsDatabase,
  traceJob,
  traceSteps,
} from '@mad/core';
import { contentDifference } from './content-difference.ts';

/** Larger files are not read. */
const MAX_BYTES = 1024 * 1024;
/** As many pairs of files are compared for one explanation. */
const MAX_COMPARED = 200;

export interface OriginalContentsOptions {
  readonly platform: Pick<Platform, 'artifacts' | 'tasks'>;
  readonly results: ResultsDatabase;
  readonly orgId: OrgId;
  /** Step instance, or `*`, → what was asked: `{ inputs, parameters }`. */
  readonly asked: ReadonlyMap<string, JsonObject>;
}

export interface ComparedContents {
  /** Step instance, or `*`, of the question. */
  readonly after: string;
  /** What computed the earlier entry. */
  readonly before: { readonly jobId: string; readonly taskName: string };
}

/** Reads the files and long texts that stand in keys by their digests, where they are still there. */
export class OriginalContents {
  readonly #options: OriginalContentsOptions;
  readonly #earlier = new Map<string, Promise<JsonObject | undefined>>();
  #compared = 0;

  constructor(options: OriginalContentsOptions) {
    this.#options = options;
  }

  /** How the contents at a component differ, in words; undefined where that cannot be told. */
  async compare(component: string, { after, before }: ComparedContents): Promise<string | undefined> {
    if (this.#compared++ >= MAX_COMPARED) return undefined;
    const now = await this.#read(findByPointer(this.#options.asked.get(after), component));
    const old = now && (await this.#read(findByPointer(await this.#findEarlier(before), component)));
    return now && old && contentDifference(old, now);
  }

  #findEarlier({ jobId, taskName }: ComparedContents['before']): Promise<JsonObject | undefined> {
    const name = `${jobId} ${taskName}`;
    const known = this.#earlier.get(name) ?? this.#traceEarlier(jobId, taskName);
    this.#earlier.set(name, known);
    return known;
  }

  async #traceEarlier(jobId: string, taskName: string): Promise<JsonObject | undefined> {
    const { results, platform, orgId } = this.#options;
    const job = await findJob(results, { jobId });
    const traced = job && (await traceJob(results, { orgId, job }));
    if (!traced) return undefined;
    if (taskName === '*') return { inputs: traced.inputs, parameters: traced.parameters };
    const rows = await listTaskResults(results, { jobId });
    const outputs = new Map(rows.map((row) => [row.task_name, row.result_data]));
    const { tasks } = platform;
    const steps = await traceSteps({ tasks }, { ...traced, outputs, wanted: new Set([taskName]) });
    const step = steps.find(({ kind, name }) => kind === 'prepared' && name === taskName);
    return step?.kind === 'prepared' ? { inputs: {}, parameters: step.request } : undefined;
  }

  async #read(value: JsonValue | undefined): Promise<Uint8Array | undefined> {
    if (typeof value === 'string') return value.length > MAX_BYTES ? undefined : Buffer.from(value);
    if (!isArtifactReference(value)) return undefined;
    const { platform, orgId } = this.#options;
    return readSmall(platform.artifacts, { orgId, digest: value.$artifact });
  }
}

async function readSmall(
  artifacts: ArtifactStore,
  { orgId, digest }: { readonly orgId: OrgId; readonly digest: string },
): Promise<Uint8Array | undefined> {
  try {
    const stored = await artifacts.head(orgId, digest);
    if (!stored || stored.sizeBytes > MAX_BYTES) return undefined;
    const chunks: Uint8Array[] = [];
    let size = 0;
    for await (const chunk of await artifacts.get(orgId, digest)) {
      size += (chunk as Uint8Array).length;
      // What the store said of its size may not hold.
      if (size > MAX_BYTES) return undefined;
      chunks.push(chunk as Uint8Array);
    }
    return Buffer.concat(chunks);
  } catch (error) {
    if (isMadError(error)) return undefined;
    throw error;
  }
}
