import { type Fit, findByPointer, fits, type JsonObject, type JsonSchema, type JsonValue } from '@mad/core';
import { type ApiOperation, type ApiParameter, listApiOperations } from '../openapi/api-operation.ts';
import { bodySchemaOf } from '../openapi/operation-interface.ts';
import { createTaskInterface, type TaskInterface } from '../openapi/task-interface.ts';
import { toJsonSchema } from '../openapi/to-json-schema.ts';

/** What a document that a service shows means for calls that are made by the registered one. */
export interface DocumentDifference {
  /** Proven: there are calls that fitted and fit no more. */
  readonly breaks: readonly string[];
  /** Neither proven nor ruled out. */
  readonly doubts: readonly string[];
}

/**
 * The live document as the one whose task is the operation that calls are sent to, whatever it names itself; undefined where it has no such operation.
 * Both are documents that have passed `parseDocument`. @throws {TaskDocumentInvalidError}
 */
export function withOperationOf(registered: ComparedDocument, live: JsonObject): JsonObject | undefined {
  const { method, path } = registered.taskInterface.execute.operation;
  const operation = listApiOperations(live).find((one) => one.method === method && toShape(one.path) === toShape(path));
  const info = live.info as JsonObject;
  const execution = findByPointer(registered.document, '/info/x-mad/execution');
  const extension = { operation: operation?.id ?? '', ...(execution === undefined ? {} : { execution }) };
  return operation && { ...live, info: { ...info, 'x-mad': extension } };
}

/** Names of path parameters are the document's own: calls are the same. */
const toShape = (path: string): string => path.replaceAll(/\{[^{}]*\}/g, '{}').replace(/\/+$/, '');

export interface ComparedDocument {
  readonly document: JsonObject;
  readonly taskInterface: TaskInterface;
}

/** @throws {TaskDocumentInvalidError | TaskDocumentRefusedError} for a live document whose task cannot be read. */
export function compareDocuments(registered: ComparedDocument, liveDocument: JsonObject): DocumentDifference {
  const live = { document: liveDocument, taskInterface: createTaskInterface(liveDocument) };
  const [sent, taken] = [toSentSchema(registered), toTakenSchema(live, registered)];
  const compared = [
    { what: 'request', fit: fits(sent, taken) },
    { what: 'response', fit: fits(live.taskInterface.responseSchema, registered.taskInterface.responseSchema) },
  ];
  const tell = (verdict: Fit['verdict']): readonly string[] =>
    compared
      .filter(({ fit }) => fit.verdict === verdict)
      .flatMap(({ what, fit }) =>
        fit.issues.slice(0, 3).map(({ pointer, message }) => `${what} at ${pointer || '(root)'}: ${message}`),
      );
  return {
    breaks: [...listFormBreaks(registered.taskInterface, live.taskInterface), ...tell('misfit')],
    doubts: [...tell('unproven'), ...listLosses(registered.taskInterface, live.taskInterface)],
  };
}

/** What is sent otherwise than the live document says, whatever is in it. */
function listFormBreaks(registered: TaskInterface, live: TaskInterface): readonly string[] {
  const breaks: string[] = [];
  const { content } = registered.execute;
  const taken = live.execute.operation.body?.contents.map(({ mediaType }) => mediaType) ?? [];
  if (content && taken.length > 0 && !taken.includes(content.mediaType))
    breaks.push(`request: it takes ${taken.join(' or ')} and no more ${content.mediaType}`);
  const sent = keyed(registered.execute.operation);
  for (const [key, one] of keyed(live.execute.operation)) {
    const known = sent.get(key);
    if (known && formOf(known) !== formOf(one)) breaks.push(`request: ${one.name} is written in another way`);
  }
  if (live.responseType !== registered.responseType)
    breaks.push(`response: it is ${live.responseType ?? 'none'} and no more ${registered.responseType ?? 'none'}`);
  return breaks;
}

/** What the live document says nothing of any more. */
function listLosses(registered: TaskInterface, live: TaskInterface): readonly string[] {
  const left = keyed(live.execute.operation);
  const gone = [...keyed(registered.execute.operation)].flatMap(([key, one]) => (left.has(key) ? [] : [one]));
  return [
    ...gone.map(({ name }) => `request: it says nothing of ${name} any more`),
    ...(registered.execute.content && !live.execute.operation.body
      ? ['request: it says nothing of a body any more']
      : []),
    ...(registered.execution.status && !live.execution.status
      ? ['it says nothing any more of where accepted work is asked for']
      : []),
  ];
}

/** Parameters by what they are to HTTP: those of a path by their place in it, since their names are the document's own. */
function keyed({ parameters, path }: ApiOperation): ReadonlyMap<string, ApiParameter> {
  const keyOf = ({ in: place, name }: ApiParameter): string => {
    if (place === 'path') return `path ${path.slice(0, path.indexOf(`{${name}}`)).split('{').length}`;
    return `${place} ${place === 'header' ? name.toLowerCase() : name}`;
  };
  return new Map(parameters.map((one) => [keyOf(one), one]));
}

const formOf = ({ style, explode, mediaType }: ApiParameter): string => [style, explode, mediaType].join(' ');

/** Of all that is sent: parameters by place and name, and the body. */
function toSentSchema({ document, taskInterface }: ComparedDocument): JsonSchema {
  const { operation, content } = taskInterface.execute;
  const body = content && bodySchemaOf(content, 'request');
  return toWholeSchema(document, { operation, body, isClosed: true });
}

/** Of all that is taken: the body of the media type that is sent, and what is not named is let pass. */
function toTakenSchema(live: ComparedDocument, registered: ComparedDocument): JsonSchema {
  const { operation } = live.taskInterface.execute;
  const sent = registered.taskInterface.execute.content?.mediaType;
  const content = operation.body?.contents.find(({ mediaType }) => mediaType === sent);
  const body = content && bodySchemaOf(content, 'request');
  return toWholeSchema(live.document, { operation, body, isClosed: false });
}

function toWholeSchema(
  document: JsonObject,
  { operation, body, isClosed }: { operation: ApiOperation; body: JsonValue | undefined; isClosed: boolean },
): JsonSchema {
  const members = [...keyed(operation)].map(([key, { schema, required }]) => ({ key, schema, required }));
  const isRequired = operation.body?.required === true;
  const all = [...members, ...(body === undefined ? [] : [{ key: 'body', schema: body, required: isRequired }])];
  const schema = {
    type: 'object',
    properties: Object.fromEntries(all.map((one) => [one.key, one.schema])),
    required: all.filter(({ required }) => required).map(({ key }) => key),
    additionalProperties: !isClosed,
  };
  return toJsonSchema(document, schema, 'request');
}
