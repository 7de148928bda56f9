import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { ValidationFailedError } from '../../errors.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { updatePipeline } from '../../metadata/pipeline.repository.ts';
import { listPipelineTasks } from '../../metadata/pipeline-version.repository.ts';
import type { Visibility } from '../../metadata/tables/pipeline.table.ts';
import type { Platform } from '../../platform.ts';
import { forgetHeads } from '../known-heads.ts';
import { isOwnPrivate } from '../published-pipeline.ts';
import { refuseOwnTasks } from '../refuse-own-tasks.ts';
import { checkRequest, label } from './check-request.ts';
import { getOwnPipeline } from './own-pipeline.ts';

export interface SetVisibility {
  /** Name or id of a pipeline of the caller's organization. */
  readonly pipeline: string;
  readonly visibility: Visibility;
}

const request = z.looseObject({ pipeline: label, visibility: z.enum(['private', 'org', 'public']) });

/**
 * Changes who may run a pipeline, from the next submission on; jobs that were accepted go on.
 * @throws {PermissionDeniedError} without `pipeline.update`, or `pipeline.update:own` for a pipeline that the caller made
 * @throws {NotFoundError}
 * @throws {ValidationFailedError} for `private` unless the caller made it, and for `public` where a version in use needs tasks that other
 * organizations do not see
 */
export async function setVisibility(platform: Platform, caller: Caller, asked: SetVisibility): Promise<void> {
  checkRequest(request, { subject: 'visibility', value: asked });
  await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const pipeline = await getOwnPipeline(tx, caller, asked);
    const { pipeline_id: pipelineId, name, created_by: ownerId, visibility: was } = pipeline;
    authorize(caller, 'pipeline.update', { ownerId });
    const { visibility } = asked;
    if (visibility === was) return;
    if (visibility === 'private' && !isOwnPrivate(pipeline, caller)) {
      const message = 'only the user who made a pipeline can make it private: nobody else would see it any more';
      throw new ValidationFailedError({ subject: 'visibility', issues: [{ pointer: '/visibility', message }] });
    }
    if (visibility === 'public') {
      const taskDefinitionIds = await listPipelineTasks(tx, { pipelineId });
      await refuseOwnTasks(tx, { taskDefinitionIds, subject: 'visibility', pointer: '/visibility' });
    }
    await updatePipeline(tx, { pipelineId, set: { visibility } });
    await recordAudit(tx, caller, {
      action: 'pipeline.update',
      entityType: 'pipeline',
      entityId: pipelineId,
      before: { name, visibility: was },
      after: { name, visibility },
      facts: { name, visibility, was },
    });
  });
  forgetHeads(platform.metadata);
}
