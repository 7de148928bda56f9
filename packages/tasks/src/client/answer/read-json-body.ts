import { isUtf8 } from 'node:buffer';
import { type JsonValue, TaskFailedError } from '@mad/core';
import { isJsonMediaType } from '../../openapi/api-operation.ts';
import type { ServiceAnswer } from '../exchange/send-request.ts';
import { findUnstorable } from './find-unstorable.ts';

/**
 * The JSON value in an answer's body.
 * @throws {TaskFailedError} CONTRACT_VIOLATION when it is empty, of another type, compressed unasked, not JSON, or not storable as JSON.
 */
export function readJsonBody(answer: ServiceAnswer): JsonValue {
  const type = answer.header('content-type') ?? '';
  if (answer.body.byteLength === 0)
    throw contractViolation(`answered ${answer.status} without a body where JSON was promised`);
  if (!isJsonMediaType(type))
    throw contractViolation(`answered ${answer.status} with ${mediaTypeOf(type)} where JSON was promised`);
  requirePlain(answer);
  if (answer.body.byteLength > MAX_VALUES && countValues(answer.body) > MAX_VALUES)
    throw contractViolation(`answered with JSON of more than ${MAX_VALUES} values; large data is sent as a file`);
  let value: JsonValue;
  try {
    value = JSON.parse(readText(answer)) as JsonValue;
  } catch (cause) {
    throw contractViolation(`answered ${answer.status} with a body that is not JSON in UTF-8`, { cause });
  }
  const fault = findUnstorable(value, { allowNul: true });
  if (fault)
    throw contractViolation(`answered with JSON that cannot be kept (${fault.pointer || '(root)'}: ${fault.message})`, {
      issues: [fault],
    });
  return value;
}

/** Reading a million takes half a second, in which nothing else is done. */
const MAX_VALUES = 1_000_000;
const [QUOTE, BACKSLASH, COMMA, BRACKET, BRACE] = Buffer.from('"\\,[{');

/** The values in a JSON text, about, by the signs between them. */
function countValues(body: Buffer): number {
  let values = 1;
  for (let at = 0; at < body.byteLength; at++) {
    const sign = body[at];
    if (sign === COMMA || sign === BRACKET || sign === BRACE) values++;
    else if (sign === QUOTE) at = endOfString(body, at);
  }
  return values;
}

function endOfString(body: Buffer, from: number): number {
  for (let at = body.indexOf(QUOTE ?? 0, from + 1); at >= 0; at = body.indexOf(QUOTE ?? 0, at + 1)) {
    let escapes = 0;
    while (body[at - 1 - escapes] === BACKSLASH) escapes++;
    if (escapes % 2 === 0) return at;
  }
  return body.byteLength;
}

/** The body as text, without a byte order mark. @throws {TaskFailedError} CONTRACT_VIOLATION when it is not UTF-8. */
export function readText({ status, body }: ServiceAnswer): string {
  if (!isUtf8(body)) throw contractViolation(`answered ${status} with text that is not UTF-8`);
  const text = body.toString();
  return text.startsWith('\uFEFF') ? text.slice(1) : text;
}

/** @throws {TaskFailedError} CONTRACT_VIOLATION when the body is compressed, which was not asked for. */
export function requirePlain(answer: ServiceAnswer): void {
  const encoding = answer.header('content-encoding') ?? 'identity';
  if (encoding !== 'identity')
    throw contractViolation(`compressed its answer (${encoding.slice(0, 20)}) though this was not asked for`);
}

/** What a service answered breaks its own document; asking again would bring the same. */
export function contractViolation(
  what: string,
  more: { cause?: unknown; issues?: readonly { pointer: string; message: string }[] } = {},
): TaskFailedError {
  const issues = (more.issues ?? []).slice(0, 20).map((issue) => ({ ...issue }));
  return new TaskFailedError({
    failureCode: 'CONTRACT_VIOLATION',
    message: `the service ${what}; its document and its program disagree`,
    retryable: false,
    details: issues.length > 0 ? { issues } : {},
    cause: more.cause,
  });
}

const mediaTypeOf = (type: string): string => type.split(';')[0]?.trim().slice(0, 60) || 'no content type';
