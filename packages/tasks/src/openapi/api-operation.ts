import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import { TaskDocumentInvalidError, TaskDocumentRefusedError } from '../errors.ts';
import { dereference } from './dereference.ts';

const METHODS = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace'] as const;
export type HttpMethod = (typeof METHODS)[number];

const PLACES = ['path', 'query', 'header', 'cookie'] as const;
export type ParameterPlace = (typeof PLACES)[number];

/** How a parameter's value is written (OpenAPI "Style Values"). */
export type ParameterStyle = 'simple' | 'label' | 'matrix' | 'form' | 'spaceDelimited' | 'pipeDelimited' | 'deepObject';

export interface ApiParameter {
  readonly name: string;
  /** By which a request gives its value: its name, or `query.name` where that is not enough. */
  readonly key: string;
  readonly in: ParameterPlace;
  readonly required: boolean;
  readonly style: ParameterStyle;
  readonly explode: boolean;
  /** The reserved characters of RFC 3986 go out as they are. */
  readonly allowReserved: boolean;
  /** Set where the value is written as a document of this media type instead of by its style. */
  readonly mediaType: string | undefined;
  /** As in the document. */
  readonly schema: JsonValue;
  readonly description: string | undefined;
}

export interface ApiContent {
  /** Lower case, without parameters; may end in `/*`. */
  readonly mediaType: string;
  /** As in the document; undefined where it says nothing. */
  readonly schema: JsonValue | undefined;
  /** Of the fields of a form: name → Encoding Object. */
  readonly encoding: JsonObject;
}

export interface ApiBody {
  readonly required: boolean;
  readonly contents: readonly ApiContent[];
}

/** What an operation may answer with one status. */
export interface ApiAnswer {
  /** `200`, `4XX` or `default`. */
  readonly status: string;
  readonly contents: readonly ApiContent[];
}

/** One operation of a document. */
export interface ApiOperation {
  /** Its `operationId`, else `post /dock/{id}`. */
  readonly id: string;
  readonly method: HttpMethod;
  /** As in the document, `/dock/{id}`. */
  readonly path: string;
  /** Of the operation in its document. */
  readonly pointer: string;
  readonly title: string | undefined;
  readonly parameters: readonly ApiParameter[];
  /** A request that is repeated under its key does its work once. */
  readonly takesIdempotencyKey: boolean;
  readonly body: ApiBody | undefined;
  readonly answers: readonly ApiAnswer[];
  /** Runtime expressions of where it is told whom to call back: `{$request.body#/callbackUrl}`. */
  readonly callbacks: readonly string[];
  /** Alternatives, each the schemes that are needed together; none, or one without schemes: open to all. */
  readonly security: readonly (readonly SecurityScheme[])[];
}

export interface SecurityScheme {
  readonly name: string;
  /** The document's Security Scheme Object. */
  readonly scheme: JsonObject;
}

/** Every operation of a checked document, in its order. @throws {TaskDocumentInvalidError} */
export function listApiOperations(document: JsonObject): readonly ApiOperation[] {
  const paths = isJsonObject(document.paths) ? document.paths : {};
  let parts = 0;
  return Object.entries(paths).flatMap(([path, entry]) => {
    const item = dereference(document, entry);
    return METHODS.flatMap((method) => {
      const operation = item?.[method];
      if (!isJsonObject(operation)) return [];
      parts += countParts(item ?? {}, operation);
      if (parts > MAX_PARTS)
        throw new TaskDocumentRefusedError({
          pointer: '/paths',
          reason: `its operations have more than ${MAX_PARTS} parameters, bodies and answers together`,
          hint: 'describe fewer operations',
        });
      return [readOperation(document, { path, method, item: item ?? {}, operation })];
    });
  });
}

/** References let a small document have any number of operations, each as large as its largest. */
const MAX_PARTS = 50_000;

function countParts({ parameters }: JsonObject, operation: JsonObject): number {
  const sizeOf = (value: JsonValue | undefined): number =>
    typeof value === 'object' && value !== null ? Object.keys(value).length : 0;
  const { responses, callbacks, security } = operation;
  const all = [parameters, operation.parameters, responses, callbacks, security].map(sizeOf);
  return 1 + all.reduce((sum, size) => sum + size, 0);
}

interface Found {
  readonly path: string;
  readonly method: HttpMethod;
  readonly item: JsonObject;
  readonly operation: JsonObject;
}

function readOperation(document: JsonObject, { path, method, item, operation }: Found): ApiOperation {
  const pointer = `/paths/${toToken(path)}/${method}`;
  const { operationId, summary } = operation;
  const parameters = readParameters(document, { pointer, path, lists: [item.parameters, operation.parameters] });
  const body = readBody(document, operation.requestBody);
  const answers = Object.entries(isJsonObject(operation.responses) ? operation.responses : {});
  return {
    ...{ method, path, pointer },
    id: typeof operationId === 'string' && operationId !== '' ? operationId : `${method} ${path}`,
    title: typeof summary === 'string' ? summary : undefined,
    parameters: withKeys([...parameters.values()].filter(isGiven), body !== undefined),
    takesIdempotencyKey: [...parameters.keys()].some((key) => key.toLowerCase() === 'header idempotency-key'),
    body,
    answers: answers
      .filter(([status]) => /^(?:[1-5](?:\d\d|XX)|default)$/.test(status))
      .map(([status, answer]) => ({ status, contents: readContents(dereference(document, answer)) })),
    callbacks: Object.values(isJsonObject(operation.callbacks) ? operation.callbacks : {}).flatMap((callback) =>
      Object.keys(dereference(document, callback) ?? {}),
    ),
    security: readSecurity(document, { pointer, security: operation.security ?? document.security }),
  };
}

/** Header parameters that no caller gives: OpenAPI says the first three elsewhere, the next names the call, and the others are HTTP's own. */
const OURS = new Set(
  `accept content-type authorization idempotency-key host content-length transfer-encoding connection keep-alive expect upgrade te trailer cookie`.split(
    ' ',
  ),
);

/** A header of the caller's own, that changes nothing of how HTTP works. */
const isOwnHeader = (name: JsonValue | undefined): boolean =>
  typeof name === 'string' &&
  /^[!#$%&'*+.^_`|~\w-]{1,200}$/.test(name) &&
  name !== '__proto__' &&
  (name.toLowerCase() === 'authorization' || !OURS.has(name.toLowerCase()));

const isGiven = ({ in: place, name }: ApiParameter): boolean => place !== 'header' || !OURS.has(name.toLowerCase());

function withKeys(parameters: readonly ApiParameter[], hasBody: boolean): readonly ApiParameter[] {
  const isTaken = (one: ApiParameter): boolean =>
    (hasBody && one.name === 'body') || parameters.some((other) => other !== one && other.name === one.name);
  return parameters.map((one) => (isTaken(one) ? { ...one, key: `${one.in}.${one.name}` } : one));
}

/** By place and name, those of the operation before those of its path. */
function readParameters(
  document: JsonObject,
  { pointer, path, lists }: { pointer: string; path: string; lists: readonly (JsonValue | undefined)[] },
): ReadonlyMap<string, ApiParameter> {
  const found = new Map<string, ApiParameter>();
  for (const list of lists) {
    for (const entry of Array.isArray(list) ? (list as readonly JsonValue[]) : []) {
      const given = dereference(document, entry);
      const parameter = given && readParameter(given);
      if (!parameter)
        throw new TaskDocumentInvalidError({ pointer, reason: 'it has a parameter without name or place' });
      found.set(`${parameter.in} ${parameter.name}`, parameter);
    }
  }
  for (const [, name = ''] of path.matchAll(/\{([^{}]*)\}/g)) {
    if (found.has(`path ${name}`)) continue;
    throw new TaskDocumentInvalidError({
      pointer,
      reason: `its path names {${name}}, which is none of its parameters`,
    });
  }
  return found;
}

function readParameter(given: JsonObject): ApiParameter | undefined {
  const { name, description } = given;
  const place = PLACES.find((known) => known === given.in);
  if (typeof name !== 'string' || name === '' || place === undefined) return undefined;
  const [content] = readContents(given);
  const style = STYLES[place].find((known) => known === given.style) ?? STYLES[place][0];
  return {
    ...{ name, key: name, in: place, style },
    required: place === 'path' || given.required === true,
    explode: typeof given.explode === 'boolean' ? given.explode : style === 'form',
    allowReserved: given.allowReserved === true,
    mediaType: content?.mediaType,
    schema: content?.schema ?? given.schema ?? {},
    description: typeof description === 'string' ? description : undefined,
  };
}

/** The first is the default. */
const STYLES = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
} as const satisfies Readonly<Record<ParameterPlace, readonly [ParameterStyle, ...ParameterStyle[]]>>;

function readSecurity(
  document: JsonObject,
  { pointer, security }: { readonly pointer: string; readonly security: JsonValue | undefined },
): ApiOperation['security'] {
  const schemes = findByPointer(document, '/components/securitySchemes');
  const alternatives = Array.isArray(security) ? (security as readonly JsonValue[]).filter(isJsonObject) : [];
  return alternatives.map((alternative) =>
    Object.keys(alternative).map((name) => {
      const known = isJsonObject(schemes) && Object.hasOwn(schemes, name) ? schemes[name] : undefined;
      const scheme = dereference(document, known);
      if (scheme && scheme.type === 'apiKey' && scheme.in === 'header' && !isOwnHeader(scheme.name))
        throw new TaskDocumentInvalidError({
          pointer,
          reason: `its security scheme ${name} names no header that can be sent`,
        });
      if (scheme) return { name, scheme };
      throw new TaskDocumentInvalidError({
        pointer,
        reason: `its security names ${name}, which is no security scheme`,
      });
    }),
  );
}

function readBody(document: JsonObject, entry: JsonValue | undefined): ApiBody | undefined {
  const body = dereference(document, entry);
  const contents = readContents(body);
  return body && contents.length > 0 ? { required: body.required === true, contents } : undefined;
}

function readContents(holder: JsonObject | undefined): readonly ApiContent[] {
  const content = isJsonObject(holder?.content) ? holder.content : {};
  return Object.entries(content).map(([name, media]) => ({
    mediaType: toMediaType(name),
    schema: findByPointer(media, '/schema'),
    encoding: isJsonObject(media) && isJsonObject(media.encoding) ? media.encoding : {},
  }));
}

const JSON_TYPE = 'application/json';

/** A media type without its parameters, in lower case: what two of them are compared by. */
export function toMediaType(text: string): string {
  return text === JSON_TYPE ? text : (text.split(';')[0] ?? '').trim().toLowerCase();
}

/** True for `application/json` and every `…+json`, parameters aside. */
export function isJsonMediaType(mediaType: string): boolean {
  return mediaType === JSON_TYPE || /^application\/(?:[\w.-]+\+)?json$/.test(toMediaType(mediaType));
}

const toToken = (token: string): string => token.replaceAll('~', '~0').replaceAll('/', '~1');
