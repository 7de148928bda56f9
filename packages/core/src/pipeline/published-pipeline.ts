import { NotFoundError } from '../errors.ts';
import { isUuid, SYSTEM_ORG_ID } from '../ids.ts';
import type { Caller } from '../job/caller.ts';
import type { JsonObject } from '../json.ts';
import { inOrganization, type MetadataDatabase, type OrganizationTransaction } from '../metadata/metadata-database.ts';
import { findPipeline, findPipelineByName } from '../metadata/pipeline.repository.ts';
import { findPipelineVersionByText, listPipelineVersions } from '../metadata/pipeline-version.repository.ts';
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
}

/**
 * The published version that a caller may run: by the name of a pipeline of the organization or of the system, or by the id of any it sees.
 * @throws {NotFoundError} naming the versions there are.
 */
export async function getPublishedPipeline(
  metadata: MetadataDatabase,
  caller: Caller,
  wanted: { pipeline: string; version?: string | undefined },
): Promise<PublishedPipeline> {
  return inOrganization(metadata, caller.orgId, async (tx) => {
    const pipeline = await findRunnable(tx, caller, wanted.pipeline);
    if (!pipeline)
      throw new NotFoundError({
        entity: 'pipeline',
        id: wanted.pipeline,
        hint: 'publish it first, or ask its owner to share it',
      });
    const text = wanted.version ?? pipeline.latest_version;
    const version =
      text === null
        ? undefined
        : await findPipelineVersionByText(tx, { pipelineId: pipeline.pipeline_id, version: text });
    if (!version?.published) {
      const { items } = await listPipelineVersions(tx, {
        pipelineId: pipeline.pipeline_id,
        publishedOnly: true,
        limit: 10,
      });
      const hint =
        items.length > 0
          ? `published are ${items.map((item) => item.version).join(', ')}`
          : 'it has no published version yet';
      throw new NotFoundError({ entity: 'pipeline version', id: `${pipeline.name}@${text ?? 'latest'}`, hint });
    }
    return {
      pipelineId: pipeline.pipeline_id,
      pipelineVersionId: version.pipeline_version_id,
      name: pipeline.name,
      version: version.version,
      spec: parsePublishedSpec(version.spec),
      storedSpec: version.spec,
    };
  });
}

async function findRunnable(
  tx: OrganizationTransaction,
  caller: Caller,
  wanted: string,
): Promise<PipelineRow | undefined> {
  const pipeline = isUuid(wanted)
    ? await findPipeline(tx, { pipelineId: wanted })
    : ((await findPipelineByName(tx, { name: wanted })) ?? (await findSystemPipeline(tx, wanted)));
  return pipeline?.visibility === 'private' && !isOwnPrivate(pipeline, caller) ? undefined : pipeline;
}

function findSystemPipeline(tx: OrganizationTransaction, name: string): Promise<PipelineRow | undefined> {
  return tx
    .selectFrom('pipelines')
    .selectAll()
    .where('org_id', '=', SYSTEM_ORG_ID)
    .where('name', '=', name)
    .executeTakeFirst();
}

/** True for a private pipeline of the caller's own; what no user made is nobody's. */
export function isOwnPrivate(pipeline: PipelineRow, { orgId, userId }: Caller): boolean {
  return userId !== null && pipeline.created_by === userId && pipeline.org_id === orgId;
}
