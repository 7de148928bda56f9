import type { Readable } from 'node:stream';
import { isArtifactReference, isJsonObject, type JsonObject, type JsonValue, ValidationFailedError } from '@mad/core';
import { type ApiContent, type ApiParameter, isJsonMediaType } from '../../openapi/api-operation.ts';
import { holdsFiles, listFilePlaces } from '../../openapi/file-places.ts';
import type { OperationInterface } from '../../openapi/operation-interface.ts';
import { type Field, toMediaTypeLine, toMultipart, toUrlEncoded } from './form-body.ts';
import { inlineFiles, withAddresses } from './inline-files.ts';
import type { RequestFiles } from './request-files.ts';
import { toHeaderText, toPairs, toPathText, toText } from './serialize-parameter.ts';

/** A request as it goes out. */
export interface BuiltRequest {
  /** Upper case. */
  readonly method: string;
  /** Below the service's own address; encoded. */
  readonly path: string;
  /** Without `?`; encoded; empty for none. */
  readonly search: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A stream can be sent once. */
  readonly body: string | Buffer | Readable | undefined;
}

/**
 * Writes a request that fits the interface as HTTP: parameters in their places and styles, the body as its media type.
 * @throws {ValidationFailedError} for a value that has no place in HTTP: a path of dots, a line break in a header.
 * @throws {TaskFailedError} for a file that cannot be read.
 */
export async function buildRequest(
  { operation, content, isBodyOnly, accept, requestSchema }: OperationInterface,
  wanted: JsonObject,
  files: RequestFiles,
): Promise<BuiltRequest> {
  const request = holdsFiles(requestSchema) ? await withAddresses(wanted, { files, schema: requestSchema }) : wanted;
  const given = isBodyOnly ? [] : operation.parameters.flatMap((parameter) => withValue(parameter, request));
  const inPlace = (place: ApiParameter['in']) => given.filter(({ parameter }) => parameter.in === place);
  const headers: Record<string, string> = { accept };
  for (const { parameter, value } of inPlace('header'))
    headers[parameter.name.toLowerCase()] = requireHeaderText(parameter.key, toHeaderText(parameter, value));
  const cookies = inPlace('cookie').flatMap(({ parameter, value }) => toPairs(parameter, value));
  if (cookies.length > 0) headers.cookie = cookies.join('; ');
  const body = content && (await toBody({ content, isBodyOnly, request, schema: requestSchema, files }));
  return {
    method: operation.method.toUpperCase(),
    path: fillPath(operation.path, inPlace('path')),
    search: inPlace('query')
      .flatMap(({ parameter, value }) => toPairs(parameter, value))
      .join('&'),
    headers: { ...headers, ...body?.headers },
    body: body?.body,
  };
}

interface Given {
  readonly parameter: ApiParameter;
  readonly value: JsonValue;
}

function withValue(parameter: ApiParameter, request: JsonObject): Given[] {
  const value = Object.hasOwn(request, parameter.key) ? request[parameter.key] : undefined;
  if (value === undefined || value === null) return [];
  return [{ parameter, value: parameter.mediaType === undefined ? value : toJson(parameter.mediaType, value) }];
}

const toJson = (mediaType: string, value: JsonValue): string =>
  isJsonMediaType(mediaType) ? JSON.stringify(value) : toText(value);

/** A segment of dots, written as it may be: it leads to another path. */
const DOTS = /(?:^|[\\/])(?:\.|%2e){1,2}(?:[\\/]|$)/i;

function fillPath(path: string, given: readonly Given[]): string {
  const fill = (_: string, name: string): string => {
    const found = given.find(({ parameter }) => parameter.name === name);
    const text = found ? toPathText(found.parameter, found.value) : '';
    if (text === '') throw refused(found?.parameter.key ?? name, 'expected a value: it is a part of the path');
    return text;
  };
  const filled = path.includes('{') ? path.replaceAll(/\{([^{}]*)\}/g, fill) : path;
  if (DOTS.test(filled))
    throw refused(given[0]?.parameter.key ?? '', 'expected no value that makes a part of the path . or ..');
  return filled;
}

// RFC 9110, field-content; undici refuses the rest later, and not by name.
function requireHeaderText(name: string, text: string): string {
  if (/^[\t\x20-\x7e\x80-\xff]*$/.test(text)) return text;
  throw refused(name, 'expected text without line breaks and signs beyond Latin-1: it is sent as a header');
}

function refused(name: string, message: string): ValidationFailedError {
  return new ValidationFailedError({ subject: 'request', issues: [{ pointer: `/${name}`, message }] });
}

interface BodyParts {
  readonly content: ApiContent;
  readonly isBodyOnly: boolean;
  readonly request: JsonObject;
  readonly schema: OperationInterface['requestSchema'];
  readonly files: RequestFiles;
}

interface BuiltBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Buffer | Readable;
}

async function toBody(parts: BodyParts): Promise<BuiltBody | undefined> {
  const { content, isBodyOnly, request, schema, files } = parts;
  const { mediaType } = content;
  const value = isBodyOnly ? request : request.body;
  if (value === undefined) return undefined;
  const type = { 'content-type': mediaType };
  if (mediaType === 'multipart/form-data') return toMultipart(listFields(parts), files);
  if (mediaType === 'application/x-www-form-urlencoded')
    return { headers: type, body: toUrlEncoded(isJsonObject(value) ? value : {}, content.encoding) };
  if (isJsonMediaType(mediaType)) {
    const inlined = holdsFiles(schema) ? await inlineFiles(request, { files, schema }) : request;
    return { headers: type, body: JSON.stringify(isBodyOnly ? inlined : (inlined as JsonObject).body) };
  }
  if (!isArtifactReference(value)) return { headers: type, body: toText(value) };
  const { contentType, sizeBytes } = value;
  return {
    headers: {
      'content-type': mediaType.endsWith('*') ? toMediaTypeLine(contentType) : mediaType,
      'content-length': String(sizeBytes),
    },
    body: await files.open(value),
  };
}

/** The fields of a form; of an array each item is one. */
function listFields({ content, isBodyOnly, request, schema }: BodyParts): readonly Field[] {
  const form = isBodyOnly ? request : request.body;
  if (!isJsonObject(form)) return [];
  const base = isBodyOnly ? [] : ['body'];
  const sent = listFilePlaces(schema, request).filter(({ byAddress }) => !byAddress);
  const places = new Map(sent.map((place) => [place.path.join('/'), place]));
  return Object.entries(form).flatMap(([name, value]) => {
    if (value === undefined || value === null) return [];
    const items = Array.isArray(value) ? (value as readonly JsonValue[]) : [value];
    return items.map((item, index) => {
      const path = [...base, name, ...(Array.isArray(value) ? [String(index)] : [])];
      const encoding = content.encoding[name];
      const contentType = isJsonObject(encoding) ? encoding.contentType : undefined;
      return {
        ...{ name, value: item, file: places.get(path.join('/')) },
        contentType: typeof contentType === 'string' ? contentType : undefined,
      };
    });
  });
}
