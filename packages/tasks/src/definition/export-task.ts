import { authorize, type Caller, checkRequest, inOrganization, type MetadataDatabase } from '@mad/core';
import { z } from 'zod';
import { interfaceDigest } from './interface-digest.ts';
import { getNamedVersion, type NamedVersion, namedVersion } from './own-version.ts';
import type { TaskBundle } from './task-bundle.ts';
import { withoutEnvironment } from './without-environment.ts';

export interface ExportTask extends NamedVersion {
  /** True: the values of `environment` too, which may be secrets; of the organization's own versions only. @default false */
  readonly withEnvironment?: boolean | undefined;
}

const form = namedVersion.extend({ withEnvironment: z.boolean().optional() });

/**
 * A version of a task as plain JSON, for `importTask`: everything but its id, its owner and the services registered for it. What else than
 * `environment` stands in its configuration is exported as it is.
 * @throws {PermissionDeniedError} without `task.view`; with `withEnvironment` also without `task.update`, or `task.update:own` for a version that
 * the caller registered.
 * @throws {NotFoundError} when the organization sees no such version.
 */
export async function exportTask(metadata: MetadataDatabase, caller: Caller, request: ExportTask): Promise<TaskBundle> {
  authorize(caller, 'task.view');
  checkRequest(form, { subject: 'export of a task', value: request });
  const { task, withEnvironment = false } = request;
  const row = await inOrganization(metadata, caller.orgId, (tx) => getNamedVersion(tx, task));
  if (withEnvironment) authorize(caller, 'task.update', { ownerId: row.created_by });
  const { interface_spec: document, service_config } = row;
  const isOwn = row.org_id === caller.orgId.toLowerCase();
  return {
    format: 'mad-task/1',
    taskKey: row.task_id,
    version: row.version,
    document,
    interfaceDigest: row.interface_digest ?? interfaceDigest(document),
    metadata: row.metadata,
    determinism: row.determinism,
    producer: row.producer,
    serviceConfig: withEnvironment && isOwn ? service_config : withoutEnvironment(service_config),
  };
}
