import { type Determinism, findNotPlainJson, type JsonObject, ValidationFailedError } from '@mad/core';
import { z } from 'zod';
import { TaskDocumentRefusedError } from '../errors.ts';

/** One version of a task as plain JSON, to be kept in a file or taken to another organization or platform. */
export interface TaskBundle {
  readonly format: 'mad-task/1';
  readonly taskKey: string;
  readonly version: string;
  /** The OpenAPI document. */
  readonly document: JsonObject;
  /** SHA-256 of the document's canonical form (RFC 8785), in hex. */
  readonly interfaceDigest: string;
  /** Title, description, category, tags. */
  readonly metadata: JsonObject;
  readonly determinism: Determinism | null;
  readonly producer: string | null;
  /** Image, resources, environment, health check. Values of `environment` are null unless they were asked for. */
  readonly serviceConfig: JsonObject;
}

// The document may be 5 MB.
const MAX_BYTES = 6 * 1024 * 1024;
const MAX_PART = 256 * 1024;

const jsonObject = z
  .record(z.string(), z.unknown())
  .refine((value) => JSON.stringify(value).length <= MAX_PART, `expected at most ${MAX_PART} characters of JSON`)
  .transform((value) => value as JsonObject);

const bundleSchema = z.strictObject({
  format: z.literal('mad-task/1'),
  taskKey: z.string(),
  version: z.string(),
  document: z.record(z.string(), z.unknown()).transform((value) => value as JsonObject),
  interfaceDigest: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hex'),
  metadata: jsonObject,
  determinism: z.enum(['exact', 'seeded', 'stochastic', 'external']).nullable(),
  producer: z.string().min(1).max(500).nullable(),
  serviceConfig: jsonObject,
});

/**
 * Reads a bundle of unknown origin, an object or JSON text. Its document is still to be checked.
 * @throws {ValidationFailedError} naming each place that does not hold. @throws {TaskDocumentRefusedError} for text that is too long or no JSON.
 */
export function parseTaskBundle(bundle: unknown): TaskBundle {
  const value = typeof bundle === 'string' ? readText(bundle) : bundle;
  const found = findNotPlainJson(value);
  if (found) throw invalid([{ pointer: found.pointer, message: `expected plain JSON, got ${found.found}` }]);
  const parsed = bundleSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw invalid(parsed.error.issues.map(({ path, message }) => ({ pointer: toPointer(path), message })));
}

export const invalidBundle = (pointer: string, message: string): ValidationFailedError =>
  invalid([{ pointer, message }]);

const invalid = (issues: ValidationFailedError['issues']): ValidationFailedError =>
  new ValidationFailedError({ subject: 'task bundle', issues });

const toPointer = (path: readonly PropertyKey[]): string =>
  path.map((token) => `/${String(token).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

function readText(text: string): unknown {
  const bytes = Buffer.byteLength(text);
  const refuse = (reason: string, cause?: unknown) =>
    new TaskDocumentRefusedError({ pointer: '', reason, hint: 'import what exportTask gave, as JSON', cause });
  if (bytes > MAX_BYTES) throw refuse(`the bundle has ${bytes} bytes, more than ${MAX_BYTES}`);
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw refuse('the bundle is no JSON', cause);
  }
}
