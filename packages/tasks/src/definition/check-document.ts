import SwaggerParser from '@apidevtools/swagger-parser';
import { findByPointer, isJsonObject, type JsonObject, type JsonValue } from '@mad/core';
import type { OpenAPI } from 'openapi-types';
import { TaskDocumentInvalidError } from '../errors.ts';
import { dereference, refPointer } from '../openapi/dereference.ts';

const DIALECTS = ['https://spec.openapis.org/oas/3.1/dialect/base', 'https://json-schema.org/draft/2020-12/schema'];

/** Holds a parsed document against the OpenAPI specification it names, 3.0 or 3.1. @throws {TaskDocumentInvalidError} */
export async function checkDocument(document: JsonObject): Promise<void> {
  const version = document.openapi;
  if (typeof version !== 'string' || !/^3\.[01]\.\d+$/.test(version)) {
    const got = typeof version === 'string' || typeof version === 'number' ? `openapi ${version}` : 'none';
    throw new TaskDocumentInvalidError({
      pointer: '/openapi',
      reason: `expected OpenAPI 3.0.x or 3.1.x as text, got ${got}`,
    });
  }
  const dialect = document.jsonSchemaDialect;
  if (typeof dialect === 'string' && !DIALECTS.some((known) => dialect.replace(/#$/, '') === known)) {
    throw new TaskDocumentInvalidError({
      pointer: '/jsonSchemaDialect',
      reason: 'expected JSON Schema 2020-12, the dialect of OpenAPI 3.1',
    });
  }
  refuseDeadReferences(document);
  try {
    // The parser works in place and would open files and connections by default.
    const copy = withPathItems(structuredClone(document)) as unknown as OpenAPI.Document;
    await SwaggerParser.validate(copy, {
      resolve: { external: false, file: false, http: false },
      // References stay: replaced by their targets, a few of them can stand for more than can ever be checked.
      dereference: { circular: 'ignore', excludedPathMatcher: () => true },
    });
  } catch (cause) {
    throw new TaskDocumentInvalidError({ ...firstFault(cause), cause });
  }
}

/** With path items in the place of references to them, which the parser's schema of 3.1 does not know; each once. */
function withPathItems(document: JsonObject): JsonObject {
  const met = new Set<JsonObject>();
  const resolve = (item: JsonValue | undefined): JsonValue => {
    if (!isJsonObject(item) || typeof item.$ref !== 'string') return item ?? null;
    const { $ref: _, ...beside } = item;
    const target = dereference(document, item);
    if (!target || met.has(target)) return beside;
    met.add(target);
    return { ...target, ...beside };
  };
  const resolveAll = (items: JsonValue | undefined) =>
    isJsonObject(items)
      ? Object.fromEntries(Object.entries(items).map(([path, item]) => [path, resolve(item)]))
      : items;
  const { paths, webhooks } = document;
  return {
    ...document,
    ...(paths === undefined ? {} : { paths: resolveAll(paths) }),
    ...(webhooks === undefined ? {} : { webhooks: resolveAll(webhooks) }),
  };
}

function refuseDeadReferences(document: JsonObject): void {
  const alive = new Set<string>();
  const stack: { value: JsonValue | undefined; pointer: string }[] = [{ value: document, pointer: '' }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { value, pointer } = next;
    if (typeof value !== 'object' || value === null) continue;
    for (const [key, item] of Object.entries(value)) {
      const at = `${pointer}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      stack.push({ value: item, pointer: at });
      if (key !== '$ref' || typeof item !== 'string' || alive.has(item)) continue;
      if (findByPointer(document, refPointer(item)) === undefined)
        throw new TaskDocumentInvalidError({ pointer: at, reason: 'there is nothing where this reference leads' });
      alive.add(item);
    }
  }
}

function firstFault(error: unknown): { pointer: string; reason: string } {
  const details = typeof error === 'object' && error !== null && 'details' in error ? error.details : undefined;
  const fault: unknown = Array.isArray(details) ? details[0] : undefined;
  if (typeof fault === 'object' && fault !== null && 'instancePath' in fault && 'message' in fault) {
    const params = 'params' in fault && isJsonObject(fault.params) ? fault.params : {};
    const extra = typeof params.additionalProperty === 'string' ? `: ${params.additionalProperty}` : '';
    return { pointer: String(fault.instancePath), reason: `${String(fault.message)}${extra}` };
  }
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
  return { pointer: '', reason: reason.slice(0, 300) };
}
