import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import type { JsonObject } from '../../json.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import { listPipelineTaskSteps } from '../../metadata/pipeline-template.repository.ts';
import type { PipelineTaskStepRow } from '../../metadata/tables/pipeline-task-step.table.ts';
import type { Platform } from '../../platform.ts';
import { checkRequest, label } from '../catalogue/check-request.ts';
import { type PipelineSpec, parsePipelineSpec } from '../pipeline-spec.ts';
import { getTemplateRow, type WantedTemplate } from './find-template.ts';
import { type ListedTemplate, toListedTemplate } from './list-templates.ts';

export interface Template extends ListedTemplate {
  readonly definition: PipelineSpec;
  readonly defaultParameters: JsonObject;
  /** Each after those it depends on. */
  readonly steps: readonly TemplateStepFacts[];
}

export interface TemplateStepFacts {
  readonly stepId: string;
  readonly name: string;
  readonly taskDefinitionId: string;
  /** Names of other steps. */
  readonly dependsOn: readonly string[];
  readonly parameterOverrides: JsonObject;
}

const request = z.looseObject({ template: label, version: label.optional() });

/**
 * A version of a template with its definition and steps.
 * @throws {PermissionDeniedError} without `pipeline.view`
 * @throws {NotFoundError} naming the versions there are
 */
export async function getTemplate(platform: Platform, caller: Caller, wanted: WantedTemplate): Promise<Template> {
  authorize(caller, 'pipeline.view');
  checkRequest(request, { subject: 'template', value: wanted });
  return inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const row = await getTemplateRow(tx, wanted);
    const steps = await listPipelineTaskSteps(tx, { templateId: row.template_id });
    return {
      ...toListedTemplate(row, caller),
      definition: parsePipelineSpec(row.workflow_definition),
      defaultParameters: row.default_parameters ?? {},
      steps: toSteps(steps),
    };
  });
}

function toSteps(rows: readonly PipelineTaskStepRow[]): TemplateStepFacts[] {
  const names = new Map(rows.map((row) => [row.step_id, row.step_name]));
  return rows.map((row) => ({
    stepId: row.step_id,
    name: row.step_name,
    taskDefinitionId: row.task_definition_id,
    dependsOn: (row.depends_on ?? []).flatMap((stepId) => names.get(stepId) ?? []),
    parameterOverrides: row.parameter_overrides ?? {},
  }));
}
