import type { Caller } from '../access/caller.ts';
import { NotFoundError } from '../errors.ts';
import { isUuid, SYSTEM_ORG_ID } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { inOrganization, type MetadataDatabase, type OrganizationTransaction } from '../metadata/metadata-database.ts';
import { findPipeline, findPipelineByName } from '../metadata/pipeline.repository.ts';
import {
  findLatestPipelineVersion,
  findPipelineVersionHead,
  getPipelineVersion,
  listPipelineVersionHeads,
  type PipelineVersionHead,
} from '../metadata/pipeline-version.repository.ts';
import type { PipelineRow } from '../metadata/tables/pipeline.table.ts';
import { type PublishedSpec, parsePublishedSpec } from './pipeline-spec.ts';

export interface PublishedPipeline {
  readonly pipelineId: string;
  readonly pipelineVersionId: string;
  readonly name: string;
  readonly version: string;
  readonly spec: PublishedSpec;
  /** The same as it is stored. */
  readonly storedSpec: JsonObject;
  /** Null: not deprecated. A deprecated version runs only where it is named. */
  readonly deprecatedAt: Date | null;
}

/**
 * The published version that a caller may run: by the name of a pipeline of the organization or of the system, or by the id of any it sees. Where
 * none is named, the highest that is neither deprecated nor a prerelease.
 * @throws {NotFoundError} naming the versions there are.
 */
export async function getPublishedPipeline(
  metadata: MetadataDatabase,
  caller: Caller,
  wanted: { pipeline: string; version?: string | undefined },
): Promise<PublishedPipeline> {
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const head = await getPublishedHead(tx, caller, wanted);
    const { spec } = await getPipelineVersion(tx, head);
    return { ...head, spec: parsePublishedSpec(spec), storedSpec: spec };
  });
}

/** What may change of a published version, and which it is. */
export type PublishedHead = Omit<PublishedPipeline, 'spec' | 'storedSpec'>;

/** As `getPublishedPipeline`, without the spec. */
export async function getPublishedHead(
  tx: OrganizationTransaction,
  caller: Caller,
  wanted: { pipeline: string; version?: string | undefined },
): Promise<PublishedHead> {
  const pipeline = await findVisiblePipeline(tx, caller, wanted.pipeline);
  if (!pipeline)
    throw new NotFoundError({
      entity: 'pipeline',
      id: wanted.pipeline,
      hint: 'publish it first, or ask its owner to share it',
    });
  const version = await findWanted(tx, pipeline, wanted.version);
  if (!version?.published) {
    const id = `${pipeline.name}@${wanted.version ?? 'latest'}`;
    throw new NotFoundError({ entity: 'pipeline version', id, hint: await listPublished(tx, pipeline) });
  }
  return {
    pipelineId: pipeline.pipeline_id,
    pipelineVersionId: version.pipeline_version_id,
    name: pipeline.name,
    version: version.version,
    deprecatedAt: version.deprecated_at,
  };
}

async function findWanted(
  tx: OrganizationTransaction,
  { pipeline_id: pipelineId, latest_version }: PipelineRow,
  wanted: string | undefined,
): Promise<PipelineVersionHead | undefined> {
  const find = async (version: string | undefined) =>
    version === undefined ? undefined : findPipelineVersionHead(tx, { pipelineId, version });
  if (wanted !== undefined) return find(wanted);
  const latest = await find(latest_version ?? undefined);
  if (latest?.published && latest.deprecated_at === null) return latest;
  // `deprecated_at` may have been set by other means than ours, which leave `latest_version` behind.
  return find(await findLatestPipelineVersion(tx, { pipelineId }));
}

async function listPublished(tx: OrganizationTransaction, { pipeline_id: pipelineId }: PipelineRow): Promise<string> {
  const { items } = await listPipelineVersionHeads(tx, { pipelineId, includeDeprecated: true, limit: 10 });
  if (items.length === 0) return 'it has no published version yet';
  const labels = items.map(({ version, deprecated_at }) => (deprecated_at ? `${version} (deprecated)` : version));
  return `published are ${labels.join(', ')}; prereleases and deprecated ones run where they are named`;
}

/** A pipeline by name, the organization's own before the system's, or by id; undefined also for another user's private one. */
export async function findVisiblePipeline(
  tx: OrganizationTransaction,
  caller: Caller,
  wanted: string,
): Promise<PipelineRow | undefined> {
  if (isUuid(wanted)) {
    const pipeline = await findPipeline(tx, { pipelineId: wanted });
    return pipeline && isVisible(pipeline, caller) ? pipeline : undefined;
  }
  const own = await findPipelineByName(tx, { name: wanted });
  if (own && isVisible(own, caller)) return own;
  const system = await findSystemPipeline(tx, wanted);
  return system && isVisible(system, caller) ? system : undefined;
}

function findSystemPipeline(tx: OrganizationTransaction, name: string): Promise<PipelineRow | undefined> {
  return tx
    .selectFrom('pipelines')
    .selectAll()
    .where('org_id', '=', SYSTEM_ORG_ID)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** False for what is private to another user. Organizations are kept apart by the database. */
export function isVisible(pipeline: PipelineRow, caller: Caller): boolean {
  return pipeline.visibility !== 'private' || isOwnPrivate(pipeline, caller);
}

/** True for a private pipeline of the caller's own; what no user made is nobody's. */
export function isOwnPrivate(pipeline: PipelineRow, { orgId, userId }: Caller): boolean {
  return userId !== null && pipeline.created_by === userId && pipeline.org_id === orgId;
}
