import { MIMEType } from 'node:util';
import type { JsonObject, JsonValue } from '@mad/core';
import { TaskServiceError } from '../../errors.ts';
import type { FormField } from '../operation/form-fields.ts';

/** Each costs the parser as much as a kilobyte does. */
const MAX_PARTS = 1_000;

export interface ReadForm {
  /** Of the request, with the boundary. */
  readonly contentType: string;
  readonly fields: ReadonlyMap<string, FormField>;
}

/**
 * The JSON object that a `multipart/form-data` body (RFC 7578) means. A part with a filename is the bytes of a file; any other is the value, text as
 * it is and everything else as JSON. Parts of one name are a list where the request has one.
 * @throws {TaskServiceError} INVALID_FORM
 */
export async function readForm(bytes: Buffer, { contentType, fields }: ReadForm): Promise<JsonObject> {
  refuseManyParts(bytes, contentType);
  const values = new Map<string, JsonValue[]>();
  for (const [name, part] of await parse(bytes, contentType)) {
    const kind = fields.get(name)?.kind ?? 'text';
    const value = typeof part === 'string' ? toValue(part, kind) : await readFile(part, { name, kind });
    values.set(name, [...(values.get(name) ?? []), value]);
  }
  return Object.fromEntries(
    [...values].map(([name, list]) => [name, fields.get(name)?.isList ? list : onlyOne(name, list)]),
  );
}

/** By the parser of Node's fetch, which keeps every part in memory: the bytes are there already. */
async function parse(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
  } catch (cause) {
    throw invalidForm('the body is not multipart/form-data, or its content-type names another boundary', cause);
  }
}

function refuseManyParts(bytes: Buffer, contentType: string): void {
  const boundary = `--${boundaryOf(contentType)}`;
  let parts = 0;
  for (let at = bytes.indexOf(boundary); at >= 0; at = bytes.indexOf(boundary, at + boundary.length))
    if (++parts > MAX_PARTS + 1) throw invalidForm(`the form may have at most ${MAX_PARTS} parts`);
}

function boundaryOf(contentType: string): string {
  try {
    return new MIMEType(contentType).params.get('boundary') ?? '';
  } catch (cause) {
    throw invalidForm('its content-type cannot be read', cause);
  }
}

async function readFile(
  file: File,
  { name, kind }: { readonly name: string; readonly kind: FormField['kind'] },
): Promise<JsonValue> {
  const bytes = Buffer.from(await file.arrayBuffer());
  if (kind === 'base64') return bytes.toString('base64');
  try {
    return toValue(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes), kind);
  } catch (cause) {
    throw invalidForm(`the file ${name.slice(0, 80)} is not text in UTF-8`, cause);
  }
}

function toValue(text: string, kind: FormField['kind']): JsonValue {
  if (kind !== 'json') return text;
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    // Text where the schema wants something else: validation names the place.
    return text;
  }
}

function onlyOne(name: string, [value, ...more]: readonly JsonValue[]): JsonValue {
  if (value === undefined || more.length > 0) throw invalidForm(`the field ${name.slice(0, 80)} came more than once`);
  return value;
}

function invalidForm(message: string, cause?: unknown): TaskServiceError {
  return new TaskServiceError({ code: 'INVALID_FORM', message, status: 400, cause });
}
