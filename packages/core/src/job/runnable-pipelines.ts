import type { Caller } from '../access/caller.ts';
import { inOrganization, type MetadataDatabase, type OrganizationTransaction } from '../metadata/metadata-database.ts';
import { getPipelineVersion } from '../metadata/pipeline-version.repository.ts';
import { findKnownHead, headKey, keepHead, knownHeads } from '../pipeline/known-heads.ts';
import { parsePublishedSpec } from '../pipeline/pipeline-spec.ts';
import { getPublishedHead, type PublishedPipeline } from '../pipeline/published-pipeline.ts';
import { Recent } from '../recent.ts';
import { digestSpec } from '../results/pipeline-spec.repository.ts';
import { type CompiledSchema, compileSchema } from '../schema/compile-schema.ts';

/** What of a published version never changes. */
type Content = Pick<PublishedPipeline, 'spec' | 'storedSpec'> & {
  readonly specDigest: string;
  readonly inputs: CompiledSchema;
  readonly parameters: CompiledSchema;
};

/** A published version as jobs are checked against it. */
export type RunnablePipeline = PublishedPipeline & Content;

/** Characters of specs as JSON. */
const KEPT = 16_000_000;
const contents = new WeakMap<MetadataDatabase, Recent<string, Content>>();

/**
 * The published version that a caller may run, its spec read, parsed and compiled once while it is in use. Whether it may be run, and which
 * version is meant, is asked again after a second, and at once where this process changed it.
 * @throws {NotFoundError} as `getPublishedPipeline`
 */
export async function getRunnablePipeline(
  metadata: MetadataDatabase,
  caller: Caller,
  wanted: { pipeline: string; version?: string | undefined },
): Promise<RunnablePipeline> {
  const kept = contents.get(metadata) ?? new Recent<string, Content>(KEPT);
  contents.set(metadata, kept);
  const heads = knownHeads(metadata);
  const key = headKey(caller, wanted);
  const head = findKnownHead(heads, key);
  const content = head && kept.get(head.pipelineVersionId);
  if (content) return { ...head, ...content };
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const head = await getPublishedHead(tx, caller, wanted);
    keepHead(heads, key, head);
    const known = kept.get(head.pipelineVersionId);
    if (known) return { ...head, ...known };
    const content = await readContent(tx, head);
    kept.set(head.pipelineVersionId, content, JSON.stringify(content.storedSpec).length);
    return { ...head, ...content };
  });
}

async function readContent(tx: OrganizationTransaction, version: { pipelineVersionId: string }): Promise<Content> {
  const { spec: storedSpec } = await getPipelineVersion(tx, version);
  const spec = parsePublishedSpec(storedSpec);
  const compile = (subject: 'inputs' | 'parameters') =>
    compileSchema(spec[subject], { subject: `schema of the pipeline's ${subject}` });
  const schemas = { inputs: compile('inputs'), parameters: compile('parameters') };
  return { spec, storedSpec, specDigest: digestSpec(storedSpec), ...schemas };
}
