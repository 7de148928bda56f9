import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../../errors.ts';

/** Text that a database stores unchanged. */
export const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'expected text without NUL and lone surrogates');

/** How a pipeline or template is named in a request, or one of its versions. */
export const label = text(200);

/** The properties of every list. */
export const page = { limit: z.int().optional(), cursor: z.string().max(2_000).optional() };

/** Refuses a request that no row could answer, before anything is looked up; returns it with its defaults. @throws {ValidationFailedError} */
export function checkRequest<T>(schema: z.ZodType<T>, { subject, value }: { subject: string; value: unknown }): T {
  const { success, data, error } = schema.safeParse(value);
  if (success) return data;
  const issues: ValidationIssue[] = error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  throw new ValidationFailedError({ subject, issues });
}
