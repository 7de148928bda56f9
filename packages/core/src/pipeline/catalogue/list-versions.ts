import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { NotFoundError } from '../../errors.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { listPipelineVersionHeads } from '../../metadata/pipeline-version.repository.ts';
import type { Platform } from '../../platform.ts';
import type { Page, PageRequest } from '../../postgres/page.ts';
import { findVisiblePipeline } from '../published-pipeline.ts';
import { checkRequest, label, page } from './check-request.ts';

export interface ListVersions extends PageRequest {
  /** Name of a pipeline of the organization or of the system, or the id of any the caller sees. */
  readonly pipeline: string;
  /** @default true: they still run where they are named */
  readonly includeDeprecated?: boolean | undefined;
  /** Unpublished ones too, of the organization's own pipelines. @default false */
  readonly includeDrafts?: boolean | undefined;
}

/** A version of a pipeline, without its spec. */
export interface ListedVersion {
  readonly pipelineVersionId: string;
  readonly version: string;
  /** True for the one that runs where none is named. */
  readonly latest: boolean;
  readonly published: boolean;
  /** Null: not deprecated. */
  readonly deprecatedAt: Date | null;
  readonly createdAt: Date;
}

const request = z.looseObject({
  ...page,
  pipeline: label,
  includeDeprecated: z.boolean().optional(),
  includeDrafts: z.boolean().optional(),
});

/**
 * The versions of one pipeline, last written first.
 * @throws {PermissionDeniedError} without `pipeline.view`
 * @throws {NotFoundError} when the caller sees no such pipeline
 */
export async function listVersions(
  platform: Platform,
  caller: Caller,
  asked: ListVersions,
): Promise<Page<ListedVersion>> {
  authorize(caller, 'pipeline.view');
  checkRequest(request, { subject: 'list of versions', value: asked });
  const { pipeline: wanted, includeDeprecated = true, includeDrafts, limit, cursor } = asked;
  return inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const pipeline = await findVisiblePipeline(tx, caller, wanted);
    if (!pipeline) throw new NotFoundError({ entity: 'pipeline', id: wanted });
    const pipelineId = pipeline.pipeline_id;
    const rows = await listPipelineVersionHeads(tx, { pipelineId, includeDeprecated, includeDrafts, limit, cursor });
    return {
      ...rows,
      items: rows.items.map((row) => ({
        pipelineVersionId: row.pipeline_version_id,
        version: row.version,
        latest: row.version === pipeline.latest_version,
        published: row.published,
        deprecatedAt: row.deprecated_at,
        createdAt: row.created_at,
      })),
    };
  });
}
