import {
  authorize,
  type Caller,
  checkRequest,
  inOrganization,
  type MetadataDatabase,
  type TaskDefinitionRow,
  ValidationFailedError,
} from '@mad/core';
import { z } from 'zod';
import { adoptVersion } from './adopt-version.ts';
import { getNamedVersion, type NamedVersion, namedVersion } from './own-version.ts';
import { withoutEnvironment } from './without-environment.ts';

export interface CloneTask extends NamedVersion {
  /** @default the same: a version of the system's so becomes one of the organization's own, which it finds first */
  readonly taskKey?: string | undefined;
  /** @default the same */
  readonly version?: string | undefined;
}

const form = namedVersion.extend({ taskKey: z.string().optional(), version: z.string().optional() });

/**
 * Makes a version of a task, one of the organization's own or of the system's, one of the organization's own under another key or version: the same
 * document, what is known of its program, and its configuration; of the system's without the values of `environment`, which are the operator's.
 * No service is registered for the clone. Made again it is the version that is there.
 * @throws {PermissionDeniedError} without `task.define`.
 * @throws {NotFoundError} when the organization sees no such version.
 * @throws {ValidationFailedError} when the clone would be the version itself, or its key or version is none.
 * @throws {TaskVersionTakenError} when the organization has this version with another document.
 */
export async function cloneTask(
  metadata: MetadataDatabase,
  caller: Caller,
  request: CloneTask,
): Promise<TaskDefinitionRow> {
  authorize(caller, 'task.define');
  checkRequest(form, { subject: 'clone', value: request });
  const { task } = request;
  const source = await inOrganization(metadata, caller.orgId, (tx) => getNamedVersion(tx, task));
  const { task_id, version, determinism, producer, image_digest, service_config } = source;
  const isOwn = source.org_id === caller.orgId.toLowerCase();
  const named = { taskKey: request.taskKey ?? task_id, version: request.version ?? version };
  if (isOwn && named.taskKey === task_id && named.version === version) {
    const message = `expected another taskKey or version than those of ${task}`;
    throw new ValidationFailedError({ subject: 'clone', issues: [{ pointer: '', message }] });
  }
  return adoptVersion(metadata, caller, {
    ...{ ...named, metadata: source.metadata, determinism, producer, image_digest },
    document: source.interface_spec,
    service_config: isOwn ? service_config : withoutEnvironment(service_config),
    audited: { action: 'task.clone', facts: { of: task } },
  });
}
