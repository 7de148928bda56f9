import type { MetadataDatabase, OrgId, TaskDefinitionRow } from '@mad/core';
import { adoptVersion } from './adopt-version.ts';
import { imageDigest } from './image-digest.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { invalidBundle, parseTaskBundle } from './task-bundle.ts';

export interface ImportTask {
  /** Owner of the version. */
  readonly orgId: OrgId;
  /** What `exportTask` gave: an object, or JSON text. */
  readonly bundle: unknown;
  /** @default the bundle's */
  readonly taskKey?: string | undefined;
  /** @default the bundle's */
  readonly version?: string | undefined;
  readonly createdBy?: string | undefined;
}

/**
 * Stores an exported version as the organization's own, active, through all checks of `registerTask`; whoever wrote the bundle is not trusted. Imported
 * again it is the version that is there, unchanged.
 * @throws {ValidationFailedError} when it is no bundle, or its digest is not that of its document.
 * @throws {TaskDocumentRefusedError | TaskDocumentInvalidError} as `registerTask`.
 * @throws {TaskVersionTakenError} when the organization has this version with another document.
 */
export async function importTask(db: MetadataDatabase, request: ImportTask): Promise<TaskDefinitionRow> {
  const bundle = parseTaskBundle(request.bundle);
  const document = parseDocument(bundle.document);
  if (interfaceDigest(document) !== bundle.interfaceDigest)
    throw invalidBundle('/interfaceDigest', 'expected the digest of the document; export the task again');
  return adoptVersion(db, {
    orgId: request.orgId,
    taskKey: request.taskKey ?? bundle.taskKey,
    version: request.version ?? bundle.version,
    document,
    metadata: bundle.metadata,
    determinism: bundle.determinism,
    producer: bundle.producer,
    image_digest: imageDigest(bundle.serviceConfig),
    service_config: bundle.serviceConfig,
    createdBy: request.createdBy ?? null,
  });
}
