import { authorize } from '../access/authorize.ts';
import type { Caller } from '../access/caller.ts';
import { recordAudit } from '../audit/record-audit.ts';
import { ConflictError, ValidationFailedError } from '../errors.ts';
import { type JsonObject, sortedJson } from '../json.ts';
import { inOrganization } from '../metadata/metadata-database.ts';
import { findPipelineByName, insertPipeline } from '../metadata/pipeline.repository.ts';
import {
  findPipelineVersionByText,
  insertPipelineVersion,
  publishPipelineVersion,
} from '../metadata/pipeline-version.repository.ts';
import type { Visibility } from '../metadata/tables/pipeline.table.ts';
import type { Platform } from '../platform.ts';
import type { ResolvedTask } from '../ports/task-runner.ts';
import { compileSchema } from '../schema/compile-schema.ts';
import { proveDataFlow, type UnprovenFlow } from './check-data-flow.ts';
import { checkPublishRequest } from './check-publish-request.ts';
import { forgetHeads } from './known-heads.ts';
import { listCacheMarks } from './list-cache-marks.ts';
import { type PipelineSpec, type PipelineSpecInput, type PublishedSpec, parsePipelineSpec } from './pipeline-spec.ts';
import { isOwnPrivate } from './published-pipeline.ts';
import { orderSteps } from './step-graph.ts';

export interface PublishPipeline {
  /** Unique in the organization; a further version goes to the pipeline of this name. */
  readonly name: string;
  /** Semantic version; published once, never changed. */
  readonly version: string;
  readonly spec: PipelineSpecInput;
  /** @default '' */
  readonly description?: string | undefined;
  /** @default 'org' */
  readonly visibility?: Visibility | undefined;
}

export interface PublishedVersion {
  readonly pipelineId: string;
  readonly pipelineVersionId: string;
  /** Edges whose schemas do not prove that what comes is taken; each request is checked when its step runs. */
  readonly unproven: readonly UnprovenFlow[];
}

/**
 * Publishes a version of a pipeline: its graph checked, its task ranges resolved to versions, its data flow proven by the interfaces of those
 * tasks, and all of it frozen. Publishing the same version again is the same version; another content for it is refused.
 * @throws {PermissionDeniedError} without `pipeline.create`
 * @throws {ValidationFailedError} naming each place of the spec that does not hold
 * @throws {NotFoundError} when no version of a task fits its range
 * @throws {ConflictError} when this version exists with another content
 */
export async function publishPipeline(
  platform: Platform,
  caller: Caller,
  request: PublishPipeline,
): Promise<PublishedVersion> {
  authorize(caller, 'pipeline.create');
  checkPublishRequest(request);
  const spec = parsePipelineSpec(request.spec);
  const { published, unproven } = await freeze(platform, caller, spec);
  const stored = published as unknown as JsonObject;
  const done = await inOrganization(platform.metadata, caller.orgId, async (tx) => {
    const { name, version, description = '', visibility = 'org' } = request;
    const created = { created_by: caller.userId };
    const pipeline =
      (await findPipelineByName(tx, { name })) ??
      (await insertPipeline(tx, { name, description, visibility, ...created }));
    if (pipeline.visibility === 'private' && !isOwnPrivate(pipeline, caller)) {
      throw new ConflictError({
        entity: 'pipeline',
        id: name,
        hint: 'it is private to another user; choose another name',
      });
    }
    const pipelineId = pipeline.pipeline_id;
    const existing = await findPipelineVersionByText(tx, { pipelineId, version });
    if (existing?.published && sortedJson(existing.spec) === sortedJson(stored))
      return { pipelineId, pipelineVersionId: existing.pipeline_version_id, unproven };
    if (existing) {
      throw new ConflictError({
        entity: 'pipeline version',
        id: `${name}@${version}`,
        hint: 'its content differs and never changes: publish a higher version',
      });
    }
    const { pipeline_version_id: pipelineVersionId } = await insertPipelineVersion(tx, {
      pipeline_id: pipelineId,
      version,
      spec: stored,
      ...created,
    });
    await publishPipelineVersion(tx, { pipelineVersionId });
    await recordAudit(tx, caller, {
      action: 'pipeline.publish',
      entityType: 'pipeline_version',
      entityId: pipelineVersionId,
      after: { name, version, spec: stored },
      facts: { pipeline_id: pipelineId, name, version },
    });
    return { pipelineId, pipelineVersionId, unproven };
  });
  forgetHeads(platform.metadata);
  return done;
}

interface Frozen {
  readonly published: PublishedSpec;
  readonly unproven: readonly UnprovenFlow[];
}

async function freeze({ tasks: runner }: Platform, { orgId }: Caller, spec: PipelineSpec): Promise<Frozen> {
  compileSchema(spec.inputs, { subject: 'inputs of the pipeline spec' });
  compileSchema(spec.parameters, { subject: 'parameters of the pipeline spec' });
  const marks = listCacheMarks(spec);
  if (marks.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues: marks });
  const ordered = orderSteps(spec.tasks);
  const ranges = new Map<string, Promise<ResolvedTask>>();
  const tasks = new Map<string, ResolvedTask>();
  for (const { name, task } of ordered) {
    const resolving = ranges.get(task) ?? runner.resolve(orgId, task);
    ranges.set(task, resolving);
    tasks.set(name, await resolving);
  }
  const { issues, unproven } = proveDataFlow({ spec, tasks });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues });
  const published = {
    ...spec,
    resourceClass: resourceClassOf([...tasks.values()]),
    tasks: ordered.flatMap((step) => {
      const task = tasks.get(step.name);
      if (!task) return [];
      const { taskDefinitionId, requestSchema: _, responseSchema: __, resourceClass: ___, ...identity } = task;
      return [{ ...step, task: `${task.taskKey}@${task.version}`, taskDefinitionId, identity }];
    }),
  };
  return { published, unproven };
}

/** A job runs where the most demanding of its tasks can. */
function resourceClassOf(tasks: readonly ResolvedTask[]): string {
  const demanding = tasks.flatMap(({ resourceClass = 'cpu' }) => (resourceClass === 'cpu' ? [] : [resourceClass]));
  return demanding.includes('gpu') ? 'gpu' : (demanding[0] ?? 'cpu');
}
