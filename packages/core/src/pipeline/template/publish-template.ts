import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { recordAudit } from '../../audit/record-audit.ts';
import { ConflictError } from '../../errors.ts';
import { type JsonObject, sortedJson } from '../../json.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import {
  findPipelineTemplateByText,
  insertPipelineTemplate,
  type NewTemplate,
} from '../../metadata/pipeline-template.repository.ts';
import { requireSemver } from '../../metadata/require-semver.ts';
import type { PipelineTemplateRow } from '../../metadata/tables/pipeline-template.table.ts';
import type { Platform } from '../../platform.ts';
import { type PipelineSpecInput, parsePipelineSpec } from '../pipeline-spec.ts';
import { refuseOwnTasks } from '../refuse-own-tasks.ts';
import { dependenciesOf } from '../step-graph.ts';
import { checkTemplateRequest } from './check-template-request.ts';
import { shownOf } from './own-template.ts';
import { resolveDefinition } from './resolve-definition.ts';
import { withParameters } from './with-parameters.ts';

export interface PublishTemplate {
  /** Unique in the organization with its version; a further version goes under the same name. */
  readonly name: string;
  /** Semantic version; its definition never changes. */
  readonly version: string;
  /** 100 characters at most. */
  readonly displayName: string;
  /** 50 characters at most. */
  readonly category: string;
  readonly description?: string | undefined;
  /** What `instantiateTemplate` makes a pipeline version of. */
  readonly definition: PipelineSpecInput;
  /** Values for the parameters of the definition, unless the one who instantiates gives others. @default {} */
  readonly defaultParameters?: JsonObject | undefined;
  /** True: every organization may instantiate it. @default false */
  readonly isPublic?: boolean | undefined;
}

export interface PublishedTemplate {
  readonly templateId: string;
}

/**
 * Writes a version of a template, its definition and its steps together and from one source: checked as a pipeline version would be, with each task
 * fixed to the version its range means today. The same definition and default parameters again are the same version, which keeps
 * how it is shown: `updateTemplate` changes that. Those of the system organization are for everybody.
 * @throws {PermissionDeniedError} without `pipeline.create`
 * @throws {ValidationFailedError} naming each place that does not hold, and for a public one that runs on tasks of the organization's own
 * @throws {NotFoundError} when the organization sees no version of a task that fits its range
 * @throws {ConflictError} when this version exists with another content
 */
export async function publishTemplate(
  platform: Platform,
  caller: Caller,
  request: PublishTemplate,
): Promise<PublishedTemplate> {
  authorize(caller, 'pipeline.create');
  checkTemplateRequest(request);
  requireSemver(request.version);
  const written = await compose(platform, caller, request);
  const write = () => writeTemplate(platform, caller, written);
  // Two of one version at once: the second finds what the first wrote.
  return write().catch((error: unknown) => {
    if (error instanceof ConflictError) return write();
    throw error;
  });
}

async function compose(platform: Platform, caller: Caller, request: PublishTemplate): Promise<NewTemplate> {
  const definition = parsePipelineSpec(request.definition);
  const defaultParameters = request.defaultParameters ?? {};
  const subject = 'template';
  const spec = withParameters(definition, { parameters: defaultParameters, subject, pointer: '/defaultParameters' });
  const { steps } = await resolveDefinition(platform, caller, spec);
  const fixed = {
    ...definition,
    tasks: steps.map(({ step, task }) => ({ ...step, task: `${task.taskKey}@${task.version}` })),
  };
  return {
    template: {
      name: request.name,
      version: request.version,
      display_name: request.displayName,
      description: request.description ?? null,
      category: request.category,
      workflow_definition: fixed as unknown as JsonObject,
      default_parameters: defaultParameters,
      is_public: request.isPublic ?? false,
      created_by: caller.userId,
    },
    steps: steps.map(({ step, task }) => ({
      step_name: step.name,
      task_definition_id: task.taskDefinitionId,
      depends_on: dependenciesOf(step),
      parameter_overrides: step.parameters,
    })),
  };
}

function writeTemplate(platform: Platform, caller: Caller, written: NewTemplate): Promise<PublishedTemplate> {
  const { template, steps } = written;
  const { name, version = '' } = template;
  return inOrganization(platform.metadata, caller.orgId, async (tx) => {
    if (template.is_public) {
      const taskDefinitionIds = steps.map(({ task_definition_id }) => task_definition_id);
      await refuseOwnTasks(tx, { taskDefinitionIds, subject: 'template', pointer: '/isPublic' });
    }
    const existing = await findPipelineTemplateByText(tx, { name, version });
    if (existing && isSame(existing, written)) return { templateId: existing.template_id };
    const row = await insertPipelineTemplate(tx, written);
    const { template_id: templateId, workflow_definition: definition, default_parameters } = row;
    await recordAudit(tx, caller, {
      action: 'template.publish',
      entityType: 'pipeline_template',
      entityId: templateId,
      after: { ...shownOf(row), definition, default_parameters },
      facts: { name, version },
    });
    return { templateId };
  });
}

/** How it is shown may have been changed since; what it makes may not. */
function isSame(row: PipelineTemplateRow, { template }: NewTemplate): boolean {
  const content = ({
    workflow_definition,
    default_parameters,
  }: Pick<PipelineTemplateRow, 'workflow_definition' | 'default_parameters'>) =>
    sortedJson([workflow_definition, default_parameters]);
  return content(row) === content(template as PipelineTemplateRow);
}
