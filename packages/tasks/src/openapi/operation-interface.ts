import {
  type CompiledSchema,
  compileSchema,
  isJsonObject,
  type JsonObject,
  type JsonSchema,
  type JsonValue,
  type ValidationIssue,
} from '@mad/core';
import { type ApiContent, type ApiOperation, isJsonMediaType } from './api-operation.ts';
import { acceptReferences } from './file-places.ts';
import { takesObjects } from './takes-objects.ts';
import { type Direction, toJsonSchema } from './to-json-schema.ts';

/** What one operation asks of a request and promises of its answers, ready to be held against both. */
export interface OperationInterface {
  readonly operation: ApiOperation;
  /**
   * Of what a caller gives. An operation that takes a JSON object or a form and no parameters is given just that; any other an object that
   * holds each parameter under its key and the body, if there is one, as `body`.
   */
  readonly requestSchema: JsonSchema;
  /** True where the request is the body and nothing else. */
  readonly isBodyOnly: boolean;
  /** How the body is sent; undefined where there is none. */
  readonly content: ApiContent | undefined;
  /** The media types that are declared, failures included: a service may give the first of these that it can. */
  readonly accept: string;
  applyDefaults(request: JsonObject): JsonObject;
  /** Files may be artifact references, or text. */
  checkRequest(request: JsonObject): readonly ValidationIssue[];
  /** What is declared for a status; undefined where nothing is. */
  findAnswer(status: number): AnswerInterface | undefined;
}

export interface AnswerInterface {
  /** As declared: `200`, `4XX` or `default`. */
  readonly status: string;
  /** None: the answer has no body. */
  readonly contents: readonly ContentInterface[];
}

/** A body that is declared with a media type. */
export interface ContentInterface {
  readonly mediaType: string;
  /** Text is what the schema of a text says, a file what it says of a file. */
  readonly schema: JsonSchema;
  check(value: JsonValue): readonly ValidationIssue[];
}

/** Reads an operation of a checked document; each schema is read and compiled when it is first asked. @throws {TaskDocumentInvalidError} */
export function createOperationInterface(document: JsonObject, operation: ApiOperation): OperationInterface {
  const content = chooseContent(operation);
  const { schema, isBodyOnly } = toRequestSchema(document, { operation, content });
  const request = compileOnce(() => acceptReferences(schema), `request schema of ${operation.id}`);
  const answers = new Map<number, AnswerInterface>();
  return {
    ...{ operation, content, isBodyOnly, requestSchema: schema },
    accept: acceptOf(operation),
    applyDefaults: (value) => request().applyDefaults(value),
    checkRequest: (value) => request().check(value),
    findAnswer(status) {
      const known = answers.get(status);
      if (known) return known;
      const declared = findDeclared(operation, status);
      if (!declared) return undefined;
      const contents = declared.contents.map((one) => createContent(document, { operation, content: one }));
      const answer = { status: declared.status, contents };
      answers.set(status, answer);
      return answer;
    },
  };
}

function acceptOf({ answers }: ApiOperation): string {
  const mediaTypes = answers.flatMap(({ contents }) => contents.map(({ mediaType }) => mediaType));
  return mediaTypes.length > 0 ? [...new Set(mediaTypes)].join(', ') : '*/*';
}

/** That of the exact status, else of its class, else the default. */
function findDeclared({ answers }: ApiOperation, status: number): ApiOperation['answers'][number] | undefined {
  const names = [String(status), `${Math.floor(status / 100)}XX`, 'default'];
  return names.map((name) => answers.find((answer) => answer.status === name)).find((found) => found !== undefined);
}

function createContent(
  document: JsonObject,
  { operation, content }: { operation: ApiOperation; content: ApiContent },
): ContentInterface {
  const schema = toBodySchema(document, { content, direction: 'answer' });
  const compiled = compileOnce(() => acceptReferences(schema), `response schema of ${operation.id}`);
  return { mediaType: content.mediaType, schema, check: (value) => compiled().check(value) };
}

/** JSON before forms, forms before anything else. */
function chooseContent({ body }: ApiOperation): ApiContent | undefined {
  const contents = body?.contents ?? [];
  const forms = ['multipart/form-data', 'application/x-www-form-urlencoded'];
  return (
    contents.find(({ mediaType }) => isJsonMediaType(mediaType)) ??
    forms.map((form) => contents.find(({ mediaType }) => mediaType === form)).find((found) => found !== undefined) ??
    contents[0]
  );
}

function toRequestSchema(
  document: JsonObject,
  { operation, content }: { operation: ApiOperation; content: ApiContent | undefined },
): { readonly schema: JsonSchema; readonly isBodyOnly: boolean } {
  const { parameters, body } = operation;
  if (content && parameters.length === 0 && (isJsonMediaType(content.mediaType) || isForm(content.mediaType))) {
    const schema = toBodySchema(document, { content, direction: 'request' });
    if (takesObjects(schema)) return { schema, isBodyOnly: true };
  }
  // Names of a document's may be any text: as entries, none of them is more than a name.
  const properties: [string, JsonValue][] = [];
  const required: string[] = [];
  for (const { key, schema, description, required: isRequired } of parameters) {
    properties.push([key, withDescription(schema, description)]);
    if (isRequired) required.push(key);
  }
  if (content) properties.push(['body', bodySchemaOf(content, 'request')]);
  if (content && body?.required) required.push('body');
  const schema = { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false };
  return { schema: toJsonSchema(document, schema, 'request'), isBodyOnly: false };
}

function withDescription(schema: JsonValue, description: string | undefined): JsonValue {
  const isOpen = isJsonObject(schema) && !('$ref' in schema) && !('description' in schema);
  return isOpen && description !== undefined ? { ...schema, description } : schema;
}

function toBodySchema(
  document: JsonObject,
  { content, direction }: { content: ApiContent; direction: Direction },
): JsonSchema {
  return toJsonSchema(document, bodySchemaOf(content, direction), direction);
}

/** What is neither JSON nor a form nor text is a file: in a request a reference or text, in an answer its bytes as base64. */
export function bodySchemaOf({ mediaType, schema }: ApiContent, direction: Direction): JsonValue {
  if (isJsonMediaType(mediaType) || isForm(mediaType)) return schema ?? {};
  if (mediaType.startsWith('text/')) return { type: 'string', ...(isPlainText(schema) ? schema : {}) };
  const file = { type: 'string', contentMediaType: mediaType };
  return direction === 'answer' ? { ...file, contentEncoding: 'base64' } : file;
}

export const isForm = (mediaType: string): boolean =>
  mediaType === 'multipart/form-data' || mediaType === 'application/x-www-form-urlencoded';

const isPlainText = (schema: JsonValue | undefined): schema is JsonObject =>
  isJsonObject(schema) && schema.type === 'string';

function compileOnce(read: () => JsonSchema, subject: string): () => CompiledSchema {
  let compiled: CompiledSchema | undefined;
  return () => {
    compiled ??= compileSchema(read(), { subject });
    return compiled;
  };
}
