import { z } from 'zod';
import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import { isUuid } from '../ids.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import { findNotPlainJson } from '../plain-json.ts';
import { copyObject, readPlainly } from '../read-plainly.ts';
import { listUnknownKeys } from '../unknown-keys.ts';

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
  /** Cached results scored lower, or not scored, are not served. @default as the pipeline says, else as the cache was created */
  readonly minConfidence?: number | undefined;
  /** True: results that would not come out the same again are good enough. @default as the pipeline says, else false */
  readonly acceptStochastic?: boolean | undefined;
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
const TIME = 'expected a Date, or an ISO 8601 time with its offset such as 2030-01-31T08:00:00Z';
const time = z
  .union([z.date(), z.iso.datetime({ offset: true, error: TIME })], { error: TIME })
  .transform((value) => new Date(value))
  .refine((date) => date.getUTCFullYear() >= 1970 && date.getUTCFullYear() <= 9999, 'expected a year of 1970 to 9999');

const form = z.looseObject({
  pipeline: text(200),
  version: text(200).optional(),
  inputs: z.record(text(200), text(2_000)).optional(),
  useCache: z.boolean().optional(),
  minConfidence: z.number().min(0).max(1).optional(),
  acceptStochastic: z.boolean().optional(),
  idempotencyKey: text(255).optional(),
  priority: z.int('expected a whole number').min(-2_147_483_648).max(2_147_483_647).optional(),
  deadline: time.optional(),
  runAfter: time.optional(),
  screeningId: z.string().refine(isUuid, 'expected a uuid').optional(),
  itemKey: text(255).optional(),
});

const KEYS = [...Object.keys(form.shape), 'parameters'];

/** Bytes of a job's parameters as JSON: they are checked, hashed and stored with every job. What is larger is a file, and an input. */
const MAX_PARAMETERS_BYTES = 1_048_576;

/**
 * Refuses a submission that no pipeline could take, before anything is looked up. What it answers with is a copy: nothing of the value is read again.
 * @throws {ValidationFailedError}
 */
export function parseSubmitRequest(value: SubmitJob): SubmitRequest {
  const read = readPlainly('job', () => parse(value));
  if (read.issues.length > 0) throw new ValidationFailedError({ subject: 'job', issues: read.issues });
  return read.request;
}

function parse(value: unknown): { readonly issues: readonly ValidationIssue[]; readonly request: SubmitRequest } {
  const copy = copyObject(value);
  const parsed = form.safeParse(copy);
  const issues: ValidationIssue[] = (parsed.error?.issues ?? []).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  issues.push(...listUnknownKeys(copy, KEYS));
  const given = isJsonObject(copy) ? copy.parameters : undefined;
  const parameters = given === undefined ? undefined : parseParameters(given, issues);
  const { inputs, deadline, runAfter } = parsed.data ?? {};
  if (deadline && runAfter && deadline <= runAfter)
    issues.push({ pointer: '/deadline', message: 'expected a time after runAfter' });
  return { issues, request: { ...(copy as SubmitJob), inputs, parameters, deadline, runAfter } };
}

function parseParameters(parameters: unknown, issues: ValidationIssue[]): JsonObject | undefined {
  const found = findNotPlainJson(parameters);
  if (found)
    issues.push({ pointer: `/parameters${found.pointer}`, message: `expected plain JSON, got ${found.found}` });
  else if (!isJsonObject(parameters)) issues.push({ pointer: '/parameters', message: 'expected a JSON object' });
  if (found || !isJsonObject(parameters)) return undefined;
  const text = JSON.stringify(parameters);
  const bytes = Buffer.byteLength(text);
  if (bytes <= MAX_PARAMETERS_BYTES) return JSON.parse(text);
  const message = `expected ${MAX_PARAMETERS_BYTES} bytes of JSON at most, got ${bytes}; store the data as an artifact and pass it as an input`;
  issues.push({ pointer: '/parameters', message });
  return undefined;
}
