import {
  authorize,
  type Caller,
  ConflictError,
  checkRequest,
  findTaskDefinitionVersion,
  inOrganization,
  insertTaskDefinition,
  isJsonObject,
  type JsonObject,
  type MetadataDatabase,
  type OrganizationTransaction,
  organizationOf,
  recordAudit,
  type TaskDefinitionRow,
} from '@mad/core';
import { z } from 'zod';
import { TaskVersionTakenError } from '../errors.ts';
import { describeForm } from '../form/describe-form.ts';
import { listFieldOrder } from '../form/field-order.ts';
import { toMadeVersion } from './audited-version.ts';
import { checkApart } from './check-apart.ts';
import { imageDigest } from './image-digest.ts';
import { interfaceDigest } from './interface-digest.ts';
import { parseDocument } from './parse-document.ts';
import { readTaskDeclaration, type TaskDeclaration } from './task-declaration.ts';

export interface RegisterTask {
  /** OpenAPI 3.0 or 3.1: an object, or JSON or YAML text. */
  readonly document: string | object;
  /** @default `info.x-mad.taskKey` of the document */
  readonly taskKey?: string | undefined;
  /** @default `info.version` of the document */
  readonly version?: string | undefined;
  /** Which operation is the task, for a document that does not say it: it is stored as if it did, in `info.x-mad`. */
  readonly operation?: string | undefined;
  /** How accepted work is asked for, in the same way: `info.x-mad.execution`. */
  readonly execution?: JsonObject | undefined;
  /** Image, resources, environment, health check: `task_definitions.service_config`. */
  readonly serviceConfig?: JsonObject | undefined;
}

const object = z.record(z.string(), z.unknown());
const form = z.strictObject({
  // What it may be is for `parseDocument` to say.
  document: z.unknown(),
  taskKey: z.string().optional(),
  version: z.string().optional(),
  operation: z.string().optional(),
  execution: object.optional(),
  serviceConfig: object.optional(),
});

/**
 * Checks a document and stores it as one version of a task of the caller's organization, for good; tasks of the system organization are there for all,
 * and only who operates the platform makes a caller of it. Registering the same document again returns the row that is there; concurrent
 * calls end with one row.
 * @throws {PermissionDeniedError} without `task.define`.
 * @throws {TaskDocumentRefusedError} when the document could do harm; nothing it refers to was opened.
 * @throws {TaskDocumentInvalidError} when it is not OpenAPI, or has no operation that can be a task.
 * @throws {ValidationFailedError} when it declares no valid task key or version, or a schema is none.
 * @throws {TaskVersionTakenError} when this version has another document.
 */
export async function registerTask(
  metadata: MetadataDatabase,
  caller: Caller,
  task: RegisterTask,
): Promise<TaskDefinitionRow> {
  authorize(caller, 'task.define');
  checkRequest(form, { subject: 'task', value: task });
  const { orgId } = caller;
  const document = withExtension(parseDocument(task.document), task);
  const declaration = readTaskDeclaration(document, task);
  const registration: Registration = { ...task, document, declaration, digest: interfaceDigest(document) };
  const known = await inOrganization(metadata, orgId, (tx) => findRegistered(tx, registration));
  if (known) return known;
  // A schema that cannot be compiled is refused now and not in the first job.
  await checkApart({ document, isTask: true });
  try {
    return await inOrganization(metadata, orgId, (tx) => insertTask(tx, caller, registration));
  } catch (error) {
    // Another caller registered this version in between: its row decides.
    const registered =
      error instanceof ConflictError
        ? await inOrganization(metadata, orgId, (tx) => findRegistered(tx, registration))
        : undefined;
    if (registered) return registered;
    throw error;
  }
}

/** A vendor's document says nothing of tasks, and is not to be edited for it. */
function withExtension(document: JsonObject, { operation, execution }: RegisterTask): JsonObject {
  if (operation === undefined && execution === undefined) return document;
  const info = isJsonObject(document.info) ? document.info : {};
  const extension = isJsonObject(info['x-mad']) ? info['x-mad'] : {};
  const more = { ...(operation === undefined ? {} : { operation }), ...(execution === undefined ? {} : { execution }) };
  return parseDocument({ ...document, info: { ...info, 'x-mad': { ...extension, ...more } } });
}

interface Registration extends RegisterTask {
  readonly document: JsonObject;
  readonly declaration: TaskDeclaration;
  readonly digest: string;
}

/** The organization's own row of this version, if its document is this one. @throws {TaskVersionTakenError} when it is another. */
async function findRegistered(
  tx: OrganizationTransaction,
  { declaration, digest }: Registration,
): Promise<TaskDefinitionRow | undefined> {
  const { taskKey, version } = declaration;
  const known = await findTaskDefinitionVersion(tx, { taskKey, version });
  if (known?.org_id !== organizationOf(tx)) return undefined;
  if ((known.interface_digest ?? interfaceDigest(known.interface_spec)) === digest) return known;
  throw new TaskVersionTakenError({ taskKey, version });
}

async function insertTask(
  tx: OrganizationTransaction,
  caller: Caller,
  { document, declaration, digest, serviceConfig = {} }: Registration,
): Promise<TaskDefinitionRow> {
  const { taskKey, version, title, description, category, tags, determinism, producer } = declaration;
  const now = new Date();
  const row = await insertTaskDefinition(tx, {
    task_id: taskKey,
    version,
    metadata: { title, description, category, tags, field_order: listFieldOrder(describeForm(document).fields) },
    interface_spec: document,
    interface_digest: digest,
    service_config: serviceConfig,
    determinism,
    producer,
    image_digest: imageDigest(serviceConfig),
    created_by: caller.userId,
    created_at: now,
    updated_at: now,
  });
  await recordAudit(tx, caller, toMadeVersion(row, { action: 'task.register' }));
  return row;
}
