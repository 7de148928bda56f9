import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { findNotPlainJson } from '../plain-json.ts';

/** What is asked of a job. */
export interface SubmitJob {
  /** Name of a pipeline of the organization or the system, or id of any it sees. */
  readonly pipeline: string;
  /** @default the pipeline's latest version */
  readonly version?: string | undefined;
  /** Input key → `mad://` URI of a molecule or artifact of the organization. */
  readonly inputs?: Readonly<Record<string, string>> | undefined;
  readonly parameters?: JsonObject | undefined;
  /** False: compute again, and record. @default true */
  readonly useCache?: boolean | undefined;
  /** Cached results scored lower, or not scored, are not served. @default none */
  readonly minConfidence?: number | undefined;
  /** Submitting the same again with the same key answers with the first job; another request under it is refused. 255 characters at most. */
  readonly idempotencyKey?: string | undefined;
  /** Higher runs first. @default 0 */
  readonly priority?: number | undefined;
  /** A job that is not over by then FAILS with `TIMEOUT`. Text is ISO 8601 with an offset. */
  readonly deadline?: Date | string | undefined;
  /** Not started before this time. */
  readonly runAfter?: Date | string | undefined;
  /** Ties the jobs of one screening together; a uuid. */
  readonly screeningId?: string | undefined;
  /** What the job is in its screening, such as the molecule's key. 255 characters at most. */
  readonly itemKey?: string | undefined;
}

/** A `SubmitJob` whose form was checked, its times as dates. */
export interface SubmitRequest extends Omit<SubmitJob, 'deadline' | 'runAfter'> {
  readonly deadline?: Date | undefined;
  readonly runAfter?: Date | undefined;
}

const text = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((value) => value.isWellFormed() && !value.includes('\0'), 'expected text without NUL and lone surrogates');
const time = z
  .union([z.date(), z.iso.datetime({ offset: true })], {
    error: 'expected a Date, or an ISO 8601 time with its offset such as 2030-01-31T08:00:00Z',
  })
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999, 'expected a year of 1970 to 9999');

const form = z.looseObject({
  pipeline: text(200),
  version: text(200).optional(),
  inputs: z.record(text(200), text(2_000)).optional(),
  useCache: z.boolean().optional(),
  minConfidence: z.number().min(0).max(1).optional(),
  idempotencyKey: text(255).optional(),
  priority: z.int('expected a whole number').min(-2_147_483_648).max(2_147_483_647).optional(),
  deadline: time.optional(),
  runAfter: time.optional(),
  screeningId: z.string().refine(isUuid, 'expected a uuid').optional(),
  itemKey: text(255).optional(),
});

/** Refuses a submission that no pipeline could take, before anything is looked up. @throws {ValidationFailedError} */
export function parseSubmitRequest(value: SubmitJob): SubmitRequest {
  const parsed = form.safeParse(value);
  const issues: ValidationIssue[] = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  const parameters: unknown = isJsonObject(value) ? (value.parameters ?? {}) : {};
  const found = findNotPlainJson(parameters);
  if (found)
    issues.push({ pointer: `/parameters${found.pointer}`, message: `expected plain JSON, got ${found.found}` });
  else if (!isJsonObject(parameters)) issues.push({ pointer: '/parameters', message: 'expected a JSON object' });
  const { deadline, runAfter } = parsed.data ?? {};
  if (deadline && runAfter && deadline <= runAfter)
    issues.push({ pointer: '/deadline', message: 'expected a time after runAfter' });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues });
  return { ...value, deadline, runAfter };
}
