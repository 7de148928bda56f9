import { z } from 'zod';
import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import { ConflictError } from '../../errors.ts';
import type { JsonObject } from '../../json.ts';
import { inOrganization } from '../../metadata/metadata-database.ts';
import type { Visibility } from '../../metadata/tables/pipeline.table.ts';
import type { Platform } from '../../platform.ts';
import { checkRequest, label } from '../catalogue/check-request.ts';
import { parsePipelineSpec } from '../pipeline-spec.ts';
import { type PublishedVersion, publishPipeline } from '../publish-pipeline.ts';
import { checkParameters } from './check-template-request.ts';
import { getTemplateRow, type WantedTemplate } from './find-template.ts';
import { withParameters } from './with-parameters.ts';

export interface InstantiateTemplate extends WantedTemplate {
  /** Name of the pipeline to make, or of one to add a version to. */
  readonly name: string;
  /** They become defaults of the pipeline's parameters, over those of the template. @default {} */
  readonly parameters?: JsonObject | undefined;
  /** Version of the pipeline to publish. @default the template's */
  readonly pipelineVersion?: string | undefined;
  /** Of a new pipeline. @default the template's */
  readonly description?: string | undefined;
  /** Of a new pipeline. @default 'org' */
  readonly visibility?: Visibility | undefined;
}

export interface InstantiatedTemplate extends PublishedVersion {
  readonly name: string;
  readonly version: string;
  /** The template it was made of. */
  readonly templateId: string;
  readonly templateVersion: string;
}

const wanted = z.looseObject({ template: label, version: label.optional() });

/**
 * Publishes a pipeline version made of a template, checked as every other. It stands for itself: later versions of the template do not change it.
 * @throws {PermissionDeniedError} without `pipeline.create`
 * @throws {NotFoundError} when the organization sees no such template, or no longer one of its tasks
 * @throws {ValidationFailedError} when a parameter does not fit
 * @throws {ConflictError} when the pipeline has this version with another content
 */
export async function instantiateTemplate(
  platform: Platform,
  caller: Caller,
  asked: InstantiateTemplate,
): Promise<InstantiatedTemplate> {
  authorize(caller, 'pipeline.create');
  checkRequest(wanted, { subject: 'template', value: asked });
  checkParameters(asked.parameters, { subject: 'template', pointer: '/parameters' });
  const row = await inOrganization(platform.metadata, caller.orgId, (tx) => getTemplateRow(tx, asked));
  const spec = withParameters(parsePipelineSpec(row.workflow_definition), {
    parameters: { ...row.default_parameters, ...withoutAbsent(asked.parameters ?? {}) },
    subject: 'template',
    pointer: '/parameters',
  });
  const { name, pipelineVersion: version = row.version, visibility } = asked;
  const description = asked.description ?? row.description ?? '';
  const request = { name, version, spec, description, visibility };
  const published = await publishPipeline(platform, caller, request).catch((error: unknown) => {
    throw isVersionTaken(error) ? versionTaken(`${name}@${version}`, error) : error;
  });
  return { ...published, name, version, templateId: row.template_id, templateVersion: row.version };
}

const entity = 'pipeline version';

const isVersionTaken = (error: unknown): boolean => error instanceof ConflictError && error.details.entity === entity;

/** Who instantiates did not name the version: by default it is the template's. */
function versionTaken(id: string, cause: unknown): ConflictError {
  return new ConflictError({
    entity,
    id,
    hint: 'its content differs: pass a higher version as pipelineVersion',
    cause,
  });
}

// An undefined property is an absent one: it leaves the template's value.
function withoutAbsent(parameters: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined));
}
