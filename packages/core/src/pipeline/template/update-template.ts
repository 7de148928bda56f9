import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { auditDigest, recordAudit } from '../../audit/record-audit.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import {
  listPipelineTaskSteps,
  type PipelineTemplateChange,
  updatePipelineTemplate,
} from '../../metadata/pipeline-template.repository.ts';
import type { Platform } from '../../platform.ts';
import { refuseOwnTasks } from '../refuse-own-tasks.ts';
import { checkTemplateChange } from './check-template-request.ts';
import type { WantedTemplate } from './find-template.ts';
import { getOwnTemplateRow, shownOf } from './own-template.ts';

export interface UpdateTemplate extends WantedTemplate {
  readonly displayName?: string | undefined;
  readonly category?: string | undefined;
  readonly description?: string | undefined;
  /** True: every organization may instantiate it. Pipelines that were made of it stay when it is taken back. */
  readonly isPublic?: boolean | undefined;
}

/**
 * Changes how a version of a template is shown and to whom, never what it makes.
 * @throws {PermissionDeniedError} without `pipeline.update`, or `pipeline.update:own` for a template that the caller made
 * @throws {NotFoundError} also for the system's and other organizations' templates
 * @throws {ValidationFailedError} for a public one that runs on tasks of the organization's own
 */
export async function updateTemplate(platform: Platform, caller: Caller, asked: UpdateTemplate): Promise<void> {
  checkTemplateChange(asked);
  await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const row = await getOwnTemplateRow(tx, asked);
    const { template_id: templateId, name, version, created_by: ownerId } = row;
    authorize(caller, 'pipeline.update', { ownerId });
    if (asked.isPublic) {
      const steps = await listPipelineTaskSteps(tx, { templateId });
      const taskDefinitionIds = steps.map(({ task_definition_id }) => task_definition_id);
      await refuseOwnTasks(tx, { taskDefinitionIds, subject: 'template', pointer: '/isPublic' });
    }
    const set = toChange(asked);
    const [before, after] = [shownOf(row), shownOf(await updatePipelineTemplate(tx, { templateId, set }))];
    if (auditDigest(before) === auditDigest(after)) return;
    await recordAudit(tx, caller, {
      action: 'template.update',
      entityType: 'pipeline_template',
      entityId: templateId,
      before,
      after,
      facts: { name, version, changed: Object.keys(set) },
    });
  });
}

function toChange({ displayName, category, description, isPublic }: UpdateTemplate): PipelineTemplateChange {
  return {
    ...(displayName === undefined ? {} : { display_name: displayName }),
    ...(category === undefined ? {} : { category }),
    ...(description === undefined ? {} : { description }),
    ...(isPublic === undefined ? {} : { is_public: isPublic }),
  };
}
