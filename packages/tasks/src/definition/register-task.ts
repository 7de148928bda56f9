import {
  ConflictError,
  findByPointer,
  findTaskDefinitionVersion,
  inOrganization,
  insertTaskDefinition,
  type JsonObject,
  type MetadataDatabase,
  type OrganizationTransaction,
  type OrgId,
  type TaskDefinitionRow,
} from '@mad/core';
import { TaskVersionTakenError } from '../errors.ts';
import { checkApart } from './check-apart.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { readTaskDeclaration, type TaskDeclaration } from './task-declaration.ts';

export interface RegisterTask {
  /** Owner of the task; the system organization's tasks are there for all. */
  readonly orgId: OrgId;
  /** OpenAPI 3.0 or 3.1: an object, or JSON or YAML text. */
  readonly document: string | object;
  /** @default `info.x-mad.taskKey` of the document */
  readonly taskKey?: string | undefined;
  /** @default `info.version` of the document */
  readonly version?: string | undefined;
  /** Image, resources, environment, health check: `task_definitions.service_config`. */
  readonly serviceConfig?: JsonObject | undefined;
  readonly createdBy?: string | undefined;
}

/**
 * Checks a document and stores it as one version of a task, for good. Registering the same document again returns the row that is there; concurrent
 * calls end with one row.
 * @throws {TaskDocumentRefusedError} when the document could do harm; nothing it refers to was opened.
 * @throws {TaskDocumentInvalidError} when it is not OpenAPI, or has no operation that can be a task.
 * @throws {ValidationFailedError} when it declares no valid task key or version, or a schema is none.
 * @throws {TaskVersionTakenError} when this version has another document.
 */
export async function registerTask(db: MetadataDatabase, task: RegisterTask): Promise<TaskDefinitionRow> {
  const document = parseDocument(task.document);
  const declaration = readTaskDeclaration(document, task);
  const registration: Registration = { ...task, document, declaration, digest: interfaceDigest(document) };
  const known = await inOrganization(db, task.orgId, (tx) => findRegistered(tx, registration));
  if (known) return known;
  // A schema that cannot be compiled is refused now and not in the first job.
  await checkApart({ document, isTask: true });
  try {
    return await inOrganization(db, task.orgId, (tx) => insertTask(tx, registration));
  } catch (error) {
    // Another caller registered this version in between: its row decides.
    const registered =
      error instanceof ConflictError
        ? await inOrganization(db, task.orgId, (tx) => findRegistered(tx, registration))
        : undefined;
    if (registered) return registered;
    throw error;
  }
}

interface Registration extends RegisterTask {
  readonly document: JsonObject;
  readonly declaration: TaskDeclaration;
  readonly digest: string;
}

/** The organization's own row of this version, if its document is this one. @throws {TaskVersionTakenError} when it is another. */
async function findRegistered(
  tx: OrganizationTransaction,
  { orgId, declaration, digest }: Registration,
): Promise<TaskDefinitionRow | undefined> {
  const { taskKey, version } = declaration;
  const known = await findTaskDefinitionVersion(tx, { taskKey, version });
  if (known?.org_id !== orgId.toLowerCase()) return undefined;
  if ((known.interface_digest ?? interfaceDigest(known.interface_spec)) === digest) return known;
  throw new TaskVersionTakenError({ taskKey, version });
}

function insertTask(
  tx: OrganizationTransaction,
  { document, declaration, digest, serviceConfig = {}, createdBy }: Registration,
): Promise<TaskDefinitionRow> {
  const { taskKey, version, title, description, category, tags, determinism, producer } = declaration;
  const now = new Date();
  return insertTaskDefinition(tx, {
    task_id: taskKey,
    version,
    metadata: { title, description, category, tags },
    interface_spec: document,
    interface_digest: digest,
    service_config: serviceConfig,
    determinism,
    producer,
    image_digest: imageDigest(serviceConfig),
    created_by: createdBy ?? null,
    created_at: now,
    updated_at: now,
  });
}

function imageDigest(serviceConfig: JsonObject): string | null {
  const image = findByPointer(serviceConfig, '/docker_image');
  return (typeof image === 'string' ? /@(sha256:[0-9a-f]{64})$/.exec(image)?.[1] : undefined) ?? null;
}
