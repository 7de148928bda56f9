import {
  type Caller,
  ConflictError,
  findTaskDefinitionVersion,
  inOrganization,
  insertTaskDefinition,
  type JsonObject,
  type MetadataDatabase,
  recordAudit,
  type TaskDefinitionRow,
} from '@mad/core';
import { toMadeVersion } from './audited-version.ts';
import { checkApart } from './check-apart.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { registerTask } from './register-task.ts';
import { readTaskDeclaration } from './task-declaration.ts';

/** A version as another row or a bundle has it. What was changed of it since it was registered goes before what its document says. */
export interface AdoptVersion
  extends Pick<TaskDefinitionRow, 'metadata' | 'determinism' | 'producer' | 'image_digest' | 'service_config'> {
  readonly taskKey: string;
  readonly version: string;
  readonly document: JsonObject;
  /** What the audit trail says of it. */
  readonly audited: { readonly action: string; readonly facts?: JsonObject };
}

/** Stores it as the organization's own, active, through the checks of `registerTask`. One that is there with this document stays as it is. @throws as `registerTask` */
export async function adoptVersion(
  metadata: MetadataDatabase,
  caller: Caller,
  adopted: AdoptVersion,
): Promise<TaskDefinitionRow> {
  const { orgId } = caller;
  const { taskKey, version, service_config, audited, ...facts } = adopted;
  const document = parseDocument(adopted.document);
  const declaration = readTaskDeclaration(document, { taskKey, version });
  const orFindRegistered = () => registerTask(metadata, caller, { document, taskKey, version });
  const known = await inOrganization(metadata, orgId, (tx) => findTaskDefinitionVersion(tx, declaration));
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
    created_by: caller.userId,
    created_at: now,
    updated_at: now,
  };
  try {
    return await inOrganization(metadata, orgId, async (tx) => {
      const made = await insertTaskDefinition(tx, row);
      await recordAudit(tx, caller, toMadeVersion(made, audited));
      return made;
    });
  } catch (error) {
    // Another caller stored this version in between.
    if (error instanceof ConflictError) return orFindRegistered();
    throw error;
  }
}
