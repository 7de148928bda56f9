import { authorize, type Caller, checkRequest, type MetadataDatabase, type TaskDefinitionRow } from '@mad/core';
import { z } from 'zod';
import { adoptVersion } from './adopt-version.ts';
import { imageDigest } from './image-digest.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { invalidBundle, parseTaskBundle } from './task-bundle.ts';

export interface ImportTask {
  /** What `exportTask` gave: an object, or JSON text. */
  readonly bundle: unknown;
  /** @default the bundle's */
  readonly taskKey?: string | undefined;
  /** @default the bundle's */
  readonly version?: string | undefined;
}

const form = z.strictObject({ bundle: z.unknown(), taskKey: z.string().optional(), version: z.string().optional() });

/**
 * Stores an exported version as the organization's own, active, through all checks of `registerTask`; whoever wrote the bundle is not trusted. Imported
 * again it is the version that is there, unchanged.
 * @throws {PermissionDeniedError} without `task.define`.
 * @throws {ValidationFailedError} when it is no bundle, or its digest is not that of its document.
 * @throws {TaskDocumentRefusedError | TaskDocumentInvalidError} as `registerTask`.
 * @throws {TaskVersionTakenError} when the organization has this version with another document.
 */
export async function importTask(
  metadata: MetadataDatabase,
  caller: Caller,
  request: ImportTask,
): Promise<TaskDefinitionRow> {
  authorize(caller, 'task.define');
  checkRequest(form, { subject: 'import of a task', value: request });
  const bundle = parseTaskBundle(request.bundle);
  const document = parseDocument(bundle.document);
  if (interfaceDigest(document) !== bundle.interfaceDigest)
    throw invalidBundle('/interfaceDigest', 'expected the digest of the document; export the task again');
  return adoptVersion(metadata, caller, {
    taskKey: request.taskKey ?? bundle.taskKey,
    version: request.version ?? bundle.version,
    document,
    metadata: bundle.metadata,
    determinism: bundle.determinism,
    producer: bundle.producer,
    image_digest: imageDigest(bundle.serviceConfig),
    service_config: bundle.serviceConfig,
    audited: { action: 'task.import' },
  });
}
