import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isJsonObject } from '../json.ts';
import { findNotPlainJson } from '../plain-json.ts';

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'expected text without NUL and lone surrogates');

const request = z.looseObject({
  pipeline: text(200),
  version: text(200).optional(),
  inputs: z.record(text(200), text(2_000)).optional(),
  minConfidence: z.number().min(0).max(1).optional(),
  idempotencyKey: text(255).optional(),
  priority: z.int().min(-2_147_483_648).max(2_147_483_647).optional(),
});

/** Refuses a submission that no pipeline could take, before anything is looked up. @throws {ValidationFailedError} */
export function checkSubmitRequest(value: { readonly parameters?: unknown }): void {
  const parsed = request.safeParse(value);
  const issues: ValidationIssue[] = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  const { parameters = {} } = value;
  const found = findNotPlainJson(parameters);
  if (found)
    issues.push({ pointer: `/parameters${found.pointer}`, message: `expected plain JSON, got ${found.found}` });
  else if (!isJsonObject(parameters)) issues.push({ pointer: '/parameters', message: 'expected a JSON object' });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues });
}
