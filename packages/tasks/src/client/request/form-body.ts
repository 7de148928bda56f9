import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { isArtifactReference, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import type { FilePlace } from '../../openapi/file-places.ts';
import type { RequestFiles } from './request-files.ts';
import { toPairs, toText, type Written } from './serialize-parameter.ts';

export interface Field {
  readonly name: string;
  readonly value: JsonValue;
  /** Set where the schema puts a file. */
  readonly file: FilePlace | undefined;
  /** Of the field's Encoding Object; of several the first counts. */
  readonly contentType: string | undefined;
}

export interface FormBody {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Readable;
}

/** `multipart/form-data` as RFC 7578 has it, its files read while it is sent and its length known before. */
export function toMultipart(fields: readonly Field[], files: RequestFiles): FormBody {
  const boundary = `mad-${randomBytes(16).toString('hex')}`;
  const parts = fields.map((field) => toPart(field, boundary));
  const end = Buffer.from(`--${boundary}--\r\n`);
  const length = parts.reduce((sum, { head, size }) => sum + head.byteLength + size + 2, end.byteLength);
  async function* write(): AsyncGenerator<Uint8Array> {
    for (const { head, content } of parts) {
      yield head;
      if (Buffer.isBuffer(content)) yield content;
      else yield* await files.open(content);
      yield NEW_LINE;
    }
    yield end;
  }
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}`, 'content-length': String(length) },
    body: Readable.from(write(), { objectMode: false }),
  };
}

const NEW_LINE = Buffer.from('\r\n');

interface Part {
  readonly head: Buffer;
  readonly size: number;
  readonly content: Buffer | Parameters<RequestFiles['open']>[0];
}

function toPart({ name, value, file, contentType }: Field, boundary: string): Part {
  const isReference = file !== undefined && isArtifactReference(value);
  const content = isReference ? value : Buffer.from(toText(value), file?.base64 ? 'base64' : 'utf8');
  const isJson = !isReference && typeof value === 'object';
  const type =
    contentType ?? (isReference ? value.contentType : (file?.contentType ?? (isJson ? 'application/json' : '')));
  // Frameworks take a part for a file by its name.
  const filename = file ? `; filename="${escaped(name)}"` : '';
  const lines = [
    `--${boundary}`,
    `content-disposition: form-data; name="${escaped(name)}"${filename}`,
    ...(type === '' ? [] : [`content-type: ${toMediaTypeLine(type)}`]),
  ];
  return {
    head: Buffer.from(`${lines.join('\r\n')}\r\n\r\n`),
    size: Buffer.isBuffer(content) ? content.byteLength : content.sizeBytes,
    content,
  };
}

/** As browsers write a name (WHATWG, "multipart/form-data encoding algorithm"). */
const escaped = (name: string): string => name.replaceAll('\n', '%0A').replaceAll('\r', '%0D').replaceAll('"', '%22');

/** The first of several, and nothing that would begin another line. */
export const toMediaTypeLine = (type: string): string =>
  (type.split(',')[0] ?? '').replaceAll(/[^\x20-\x7e]/g, '').trim() || 'application/octet-stream';

const STYLES = ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'] as const;

/** A form in the text of a query: a field in the style of its Encoding Object, else lists repeated and objects as JSON. */
export function toUrlEncoded(form: JsonObject, encoding: JsonObject): string {
  return Object.entries(form)
    .flatMap(([name, value]) => {
      if (value === undefined || value === null) return [];
      const how = encoding[name];
      const { style: named, explode, allowReserved } = isJsonObject(how) ? how : {};
      const style = STYLES.find((known) => known === named);
      const written: Written = {
        ...{ name, in: 'query', style: style ?? 'form', allowReserved: allowReserved === true },
        explode: typeof explode === 'boolean' ? explode : style === undefined || style === 'form',
      };
      return toPairs(written, isJsonObject(value) && style === undefined ? JSON.stringify(value) : value);
    })
    .join('&')
    .replaceAll('%20', '+');
}
