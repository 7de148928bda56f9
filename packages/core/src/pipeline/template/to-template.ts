import { authorize } from '../../access/authorize.ts';
import type { Caller } from '../../access/caller.ts';
import type { Platform } from '../../platform.ts';
import { getVersion } from '../catalogue/get-version.ts';
import { type PipelineSpecInput, type PublishedSpec, pipelineSpecSchema } from '../pipeline-spec.ts';
import { type PublishedTemplate, type PublishTemplate, publishTemplate } from './publish-template.ts';

export interface ToTemplate extends Omit<PublishTemplate, 'definition' | 'name' | 'version' | 'displayName'> {
  /** Name of a pipeline of the organization or of the system, or the id of any the caller sees. */
  readonly pipeline: string;
  /** Of the pipeline. @default its latest */
  readonly version?: string | undefined;
  /** Of the template. @default the pipeline's */
  readonly name?: string | undefined;
  /** Of the template. @default the pipeline version's */
  readonly templateVersion?: string | undefined;
  /** @default the template's name */
  readonly displayName?: string | undefined;
}

/**
 * Makes a version of a template of a published pipeline version; instantiated without parameters it gives that version again.
 * @throws {PermissionDeniedError} without `pipeline.view` and `pipeline.create`
 * @throws {NotFoundError} when the caller sees no such version, or the organization not all of its tasks
 * @throws {ValidationFailedError} as `publishTemplate`
 * @throws {ConflictError} when this version of the template exists with another content
 */
export async function toTemplate(platform: Platform, caller: Caller, asked: ToTemplate): Promise<PublishedTemplate> {
  authorize(caller, 'pipeline.create');
  const found = await getVersion(platform, caller, { pipeline: asked.pipeline, version: asked.version });
  const { pipeline: _, templateVersion, name = found.name, displayName = name, ...rest } = asked;
  return publishTemplate(platform, caller, {
    ...rest,
    name,
    displayName,
    version: templateVersion ?? found.version,
    definition: toSpecInput(found.spec),
  });
}

/** What an author would write to publish the same. */
function toSpecInput(published: PublishedSpec): PipelineSpecInput {
  const tasks = published.tasks.map(({ taskDefinitionId: _, identity: __, ...step }) => step);
  // Whatever publishing adds to a spec is no part of the form.
  return pipelineSpecSchema.strip().parse({ ...published, tasks });
}
