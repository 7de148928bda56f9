import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { deletePipelineTemplate } from '../../metadata/pipeline-template.repository.ts';
import type { Platform } from '../../platform.ts';
import { checkRequest, label } from '../catalogue/check-request.ts';
import type { WantedTemplate } from './find-template.ts';
import { getOwnTemplateRow, shownOf } from './own-template.ts';

const request = z.looseObject({ template: label, version: label.optional() });

/**
 * Removes a version of a template with its steps; pipelines that were made of it stay.
 * @throws {PermissionDeniedError} without `pipeline.delete`, or `pipeline.delete:own` for a template that the caller made
 * @throws {NotFoundError} also for the system's and other organizations' templates
 */
export async function deleteTemplate(platform: Platform, caller: Caller, wanted: WantedTemplate): Promise<void> {
  checkRequest(request, { subject: 'template', value: wanted });
  await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const row = await getOwnTemplateRow(tx, wanted);
    const { template_id: templateId, name, version, created_by: ownerId } = row;
    authorize(caller, 'pipeline.delete', { ownerId });
    await deletePipelineTemplate(tx, { templateId });
    await recordAudit(tx, caller, {
      action: 'template.delete',
      entityType: 'pipeline_template',
      entityId: templateId,
      before: shownOf(row),
      facts: { name, version },
    });
  });
}
