import { z } from 'zod';
import { ValidationFailedError } from '../../errors.ts';
import { isUuid } from '../../ids.ts';
import { isJsonObject } from '../../json.ts';
import { findNotPlainJson } from '../../plain-json.ts';
import { checkRequest, label, text } from '../catalogue/check-request.ts';
import { MAX_SPEC_LENGTH, TOO_LONG } from '../check-publish-request.ts';

// The lengths are those of the columns.
const shown = { displayName: text(100), category: text(50), description: text(20_000).optional() };
const request = z.looseObject({
  ...shown,
  name: z
    .string()
    .regex(
      /^[A-Za-z][A-Za-z0-9 ._:-]{0,99}$/,
      'expected a letter, then letters, digits, blanks, . _ : or -, 100 at most',
    )
    .refine((name) => !isUuid(name), 'expected a name that is no uuid: those are ids'),
  version: label,
  isPublic: z.boolean().optional(),
});

const change = z.looseObject({
  template: label,
  version: label.optional(),
  displayName: shown.displayName.optional(),
  category: shown.category.optional(),
  description: shown.description,
  isPublic: z.boolean().optional(),
});

/** Refuses a template that could not be stored as it is, before anything is looked up. @throws {ValidationFailedError} */
export function checkTemplateRequest(value: { readonly definition: unknown; readonly defaultParameters?: unknown }) {
  checkRequest(request, { subject: 'template', value });
  const at = { subject: 'template', pointer: '/definition' };
  checkPlainJson(value.definition, at);
  if ((JSON.stringify(value.definition)?.length ?? 0) > MAX_SPEC_LENGTH) throw invalid(at, TOO_LONG);
  checkParameters(value.defaultParameters, { subject: 'template', pointer: '/defaultParameters' });
}

/** The same for a change of how it is shown. @throws {ValidationFailedError} */
export function checkTemplateChange(value: unknown): void {
  checkRequest(change, { subject: 'template', value });
}

/** Refuses values of parameters that JSON would lose or change. @throws {ValidationFailedError} */
export function checkParameters(value: unknown, at: { readonly subject: string; readonly pointer: string }): void {
  if (value === undefined) return;
  checkPlainJson(value, at);
  if (!isJsonObject(value)) throw invalid(at, 'expected a JSON object');
}

function checkPlainJson(value: unknown, at: { readonly subject: string; readonly pointer: string }): void {
  const found = findNotPlainJson(value);
  if (found)
    throw invalid({ ...at, pointer: `${at.pointer}${found.pointer}` }, `expected plain JSON, got ${found.found}`);
}

function invalid({ subject, pointer }: { subject: string; pointer: string }, message: string): ValidationFailedError {
  return new ValidationFailedError({ subject, issues: [{ pointer, message }] });
}
