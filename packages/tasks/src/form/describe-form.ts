import { findByPointer, isJsonObject, type JsonObject, type TaskDefinitionRow } from '@mad/core';
import { parseDocument } from '../definition/parse-document.ts';
import { type ApiOperation, type ApiParameter, listApiOperations } from '../openapi/api-operation.ts';
import { dereference } from '../openapi/dereference.ts';
import { acceptReferences } from '../openapi/file-places.ts';
import { findOperation } from '../openapi/find-operation.ts';
import { createOperationInterface, isForm, type OperationInterface } from '../openapi/operation-interface.ts';
import { findTaskOperations } from '../openapi/task-operations.ts';
import { describeFields } from './describe-field.ts';
import { readFieldOrder } from './field-order.ts';
import type { Form, FormField } from './form.ts';
import { listOf } from './schema-layers.ts';

/** A stored version of a task, or an OpenAPI document as registered: an object, or JSON or YAML text. */
export type FormSource = StoredVersion | string | object;

type StoredVersion = Pick<TaskDefinitionRow, 'interface_spec'> & Partial<Pick<TaskDefinitionRow, 'metadata'>>;

export interface DescribeForm {
  /** An operationId, or `post /dock`. @default the operation that is the task */
  readonly operation?: string | undefined;
}

/**
 * The form by which a request of a task is collected, from its document alone; so for any operation of a document. What the form collects, as one JSON
 * value, is checked by the same schemas when it is submitted. Fields of a stored version's task stand in the order that `metadata.field_order` keeps.
 * A document of any origin gives a form of a megabyte at most, its `schema` aside.
 * @throws {TaskDocumentInvalidError} when the document has no such operation, or none that can be a task.
 * @throws {TaskDocumentRefusedError} when the document could do harm.
 */
export function describeForm(source: FormSource, { operation: name }: DescribeForm = {}): Form {
  const stored = isStored(source) ? source : undefined;
  const document = parseDocument(stored?.interface_spec ?? source);
  const operation = getOperation(document, name);
  const kept = readFieldOrder(stored?.metadata);
  const isTask = kept.size > 0 && getOperation(document).pointer === operation.pointer;
  const api = createOperationInterface(document, operation);
  const accepted = acceptReferences(api.requestSchema);
  return {
    title: operation.title ?? textAt(document, '/info/title') ?? operation.id,
    description: textAt(document, `${operation.pointer}/description`) ?? textAt(document, '/info/description') ?? '',
    schema: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      ...(isJsonObject(accepted) ? accepted : accepted ? {} : { not: {} }),
    },
    fields: describeFields(api.requestSchema, isTask ? kept : new Map()).map((field) =>
      withOperation({ document, api }, field),
    ),
  };
}

const isStored = (source: FormSource): source is StoredVersion =>
  typeof source === 'object' && 'interface_spec' in source;

/** That of the name; without one, the task. */
function getOperation(document: JsonObject, name?: string): ApiOperation {
  if (name === undefined) return findTaskOperations(document).execute;
  return findOperation(listApiOperations(document), { name, pointer: '/paths' });
}

interface FormOperation {
  readonly document: JsonObject;
  readonly api: OperationInterface;
}

/** With what the operation says of its parameters and its body, beside their schemas. */
function withOperation({ document, api }: FormOperation, field: FormField): FormField {
  const { operation, content, isBodyOnly } = api;
  if (isBodyOnly) return content ? withEncoding(field, content.encoding) : field;
  if (field.name === 'body' && content) {
    if (isForm(content.mediaType) && field.kind === 'group')
      return { ...field, fields: field.fields.map((member) => withEncoding(member, content.encoding)) };
    return field.kind === 'text' && content.mediaType.startsWith('text/') ? { ...field, kind: 'longText' } : field;
  }
  const parameter = operation.parameters.find(({ key }) => key === field.name);
  return parameter ? { ...field, ...parameterFacts(document, { operation, parameter }) } : field;
}

/** What a Parameter Object says itself goes before what its schema says. */
function parameterFacts(
  document: JsonObject,
  { operation, parameter }: { readonly operation: ApiOperation; readonly parameter: ApiParameter },
): Partial<Pick<FormField, 'description' | 'deprecated' | 'examples'>> {
  const { description } = parameter;
  const pointers = [operation.pointer, operation.pointer.slice(0, operation.pointer.lastIndexOf('/'))];
  const given = pointers
    .flatMap((pointer) => listOf(findByPointer(document, `${pointer}/parameters`)))
    .map((entry) => dereference(document, entry))
    .find((entry) => entry?.name === parameter.name && entry.in === parameter.in);
  return {
    ...(description === undefined ? {} : { description }),
    ...(given?.deprecated === true ? { deprecated: true } : {}),
    ...(given?.example === undefined ? {} : { examples: [given.example] }),
  };
}

/** A form's Encoding Object tells which media types a part may have. */
function withEncoding(field: FormField, encodings: JsonObject): FormField {
  if ((field.kind !== 'file' && field.kind !== 'files') || field.accept.length > 0) return field;
  const encoding = Object.hasOwn(encodings, field.name) ? encodings[field.name] : undefined;
  const contentType = isJsonObject(encoding) ? encoding.contentType : undefined;
  if (typeof contentType !== 'string') return field;
  const accept = contentType.split(',').map((mediaType) => mediaType.trim());
  // Whoever takes plain bytes takes every file.
  return accept.includes('application/octet-stream') ? field : { ...field, accept };
}

function textAt(document: JsonObject, pointer: string): string | undefined {
  const found = findByPointer(document, pointer);
  return typeof found === 'string' && found !== '' ? found : undefined;
}
