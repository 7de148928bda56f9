import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { findNotPlainJson } from '../plain-json.ts';
import { readPlainly } from '../read-plainly.ts';
import { listUnknownKeys } from '../unknown-keys.ts';

const request = z.looseObject({
  name: z
    .string()
    .regex(
      /^[A-Za-z][A-Za-z0-9 ._:-]{0,199}$/,
      'expected a letter, then letters, digits, blanks, . _ : or -, 200 at most',
    )
    .refine((name) => !isUuid(name), 'expected a name that is no uuid: those are ids'),
  version: z.string().max(200),
  description: z
    .string()
    .max(20_000)
    .refine((text) => text.isWellFormed() && !text.includes('\0'), 'expected text without NUL and lone surrogates')
    .optional(),
  visibility: z.enum(['private', 'org', 'public']).optional(),
});

const KEYS = [...Object.keys(request.shape), 'spec'];

/** Characters of a spec as JSON: every job of it reads it whole. What is larger is data, and an input. */
export const MAX_SPEC_LENGTH = 8_000_000;
export const TOO_LONG = `expected ${MAX_SPEC_LENGTH} characters of JSON at most; hand large values over as files`;
const sizeOf = (spec: unknown): number => JSON.stringify(spec)?.length ?? 0;

/** Refuses what could not be stored as it is, before anything is looked up. @throws {ValidationFailedError} */
export function checkPublishRequest(value: { readonly spec: unknown }): void {
  const issues = readPlainly('pipeline', () => listIssues(value));
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline', issues });
}

function listIssues(value: unknown): readonly ValidationIssue[] {
  const issues: ValidationIssue[] = (request.safeParse(value).error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  issues.push(...listUnknownKeys(value, KEYS));
  const found = typeof value === 'object' && value !== null ? findNotPlainJson(Reflect.get(value, 'spec')) : undefined;
  if (found) issues.push({ pointer: `/spec${found.pointer}`, message: `expected plain JSON, got ${found.found}` });
  else if (issues.length === 0 && sizeOf(Reflect.get(value as object, 'spec')) > MAX_SPEC_LENGTH)
    issues.push({ pointer: '/spec', message: TOO_LONG });
  return issues;
}
