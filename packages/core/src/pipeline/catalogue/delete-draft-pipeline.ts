import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { deletePipeline } from '../../metadata/pipeline.repository.ts';
import type { Platform } from '../../platform.ts';
import { checkRequest, label } from './check-request.ts';
import { getOwnPipeline } from './own-pipeline.ts';

const request = z.looseObject({ pipeline: label });

/**
 * Removes a pipeline of which no version was ever published, by name or id. What was published stays, since jobs refer to it: deprecate its versions.
 * @throws {PermissionDeniedError} without `pipeline.delete`, or `pipeline.delete:own` for a pipeline that the caller made
 * @throws {NotFoundError}
 * @throws {RowRefusedError} once a version was published
 */
export async function deleteDraftPipeline(
  platform: Platform,
  caller: Caller,
  asked: { readonly pipeline: string },
): Promise<void> {
  checkRequest(request, { subject: 'pipeline', value: asked });
  await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const pipeline = await getOwnPipeline(tx, caller, asked);
    const { pipeline_id: pipelineId, name, description, visibility, created_by: ownerId } = pipeline;
    authorize(caller, 'pipeline.delete', { ownerId });
    await deletePipeline(tx, { pipelineId });
    await recordAudit(tx, caller, {
      action: 'pipeline.delete',
      entityType: 'pipeline',
      entityId: pipelineId,
      before: { name, description, visibility },
      facts: { name },
    });
  });
}
