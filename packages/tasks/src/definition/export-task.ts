import { inOrganization, type MetadataDatabase } from '@mad/core';
import { interfaceDigest } from './interface-digest.ts';
import { getNamedVersion, type NamedVersion } from './own-version.ts';
import type { TaskBundle } from './task-bundle.ts';
import { withoutEnvironment } from './without-environment.ts';

export interface ExportTask extends NamedVersion {
  /** True: the values of `environment` too, which may be secrets; of the organization's own versions only. @default false */
  readonly withEnvironment?: boolean | undefined;
}

/**
 * A version of a task as plain JSON, for `importTask`: everything but its id, its owner and the services registered for it. What else than
 * `environment` stands in its configuration is exported as it is.
 * @throws {NotFoundError} when the organization sees no such version.
 */
export async function exportTask(db: MetadataDatabase, request: ExportTask): Promise<TaskBundle> {
  const { orgId, task, withEnvironment = false } = request;
  const row = await inOrganization(db, orgId, (tx) => getNamedVersion(tx, task));
  const { interface_spec: document, service_config } = row;
  const isOwn = row.org_id === orgId.toLowerCase();
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
