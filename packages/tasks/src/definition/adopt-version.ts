import {
  ConflictError,
  findTaskDefinitionVersion,
  inOrganization,
  insertTaskDefinition,
  type JsonObject,
  type MetadataDatabase,
  type OrgId,
  type TaskDefinitionRow,
} from '@mad/core';
import { checkApart } from './check-apart.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { registerTask } from './register-task.ts';
import { readTaskDeclaration } from './task-declaration.ts';

/** A version as another row or a bundle has it. What was changed of it since it was registered goes before what its document says. */
export interface AdoptVersion
  extends Pick<TaskDefinitionRow, 'metadata' | 'determinism' | 'producer' | 'image_digest' | 'service_config'> {
  readonly orgId: OrgId;
  readonly taskKey: string;
  readonly version: string;
  readonly document: JsonObject;
  readonly createdBy: string | null;
}

/** Stores it as the organization's own, active, through the checks of `registerTask`. One that is there with this document stays as it is. @throws as `registerTask` */
export async function adoptVersion(db: MetadataDatabase, adopted: AdoptVersion): Promise<TaskDefinitionRow> {
  const { orgId, taskKey, version, createdBy, service_config, ...facts } = adopted;
  const document = parseDocument(adopted.document);
  const declaration = readTaskDeclaration(document, { taskKey, version });
  const orFindRegistered = () => registerTask(db, { orgId, document, taskKey, version });
  const known = await inOrganization(db, orgId, (tx) => findTaskDefinitionVersion(tx, declaration));
  if (known?.org_id === orgId.toLowerCase()) return orFindRegistered();
  await checkApart({ document, isTask: true });
  const now = new Date();
  const row = {
    task_id: declaration.taskKey,
    version: declaration.version,
    metadata: facts.metadata,
    interface_spec: document,
    interface_digest: interfaceDigest(document),
    service_config,
    determinism: facts.determinism,
    producer: facts.producer,
    image_digest: facts.image_digest,
    created_by: createdBy,
    created_at: now,
    updated_at: now,
  };
  try {
    return await inOrganization(db, orgId, (tx) => insertTaskDefinition(tx, row));
  } catch (error) {
    // Another caller stored this version in between.
    if (error instanceof ConflictError) return orFindRegistered();
    throw error;
  }
}
