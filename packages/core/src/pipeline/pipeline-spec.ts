import { z } from 'zod';
import { ValidationFailedError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { TaskIdentity } from '../ports/task-runner.ts';

const pointer = z
  .string()
  .regex(
    /^\/(inputs|parameters|steps)\/([^/]+)(\/.*)?$/,
    'expected a JSON Pointer such as /inputs/receptor, /parameters/box/center or /steps/dock/output/poses',
  );
const from = z.strictObject({
  from: pointer.describe('JSON Pointer into inputs, parameters or the output of another step'),
});
const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected a JSON object');
const name = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,62}$/, 'expected a lower-case letter, then letters, digits, - or _, 63 at most');

const retry = z.strictObject({
  attempts: z.int().min(1).max(20).default(3).describe('How often the service is called at most'),
  backoffMs: z
    .int()
    .min(0)
    .max(600_000)
    .default(1_000)
    .describe('Wait before the second attempt; doubles with each further one'),
  jitter: z.number().min(0).max(1).default(0.5).describe('Share of the wait that is drawn at random'),
});

const step = z.strictObject({
  name,
  task: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*(@\S+)?$/i, 'expected taskKey or taskKey@range, such as dock@^1.0')
    .describe('taskKey@range; frozen to one version when published'),
  dependsOn: z
    .array(name)
    .default([])
    .describe('Steps that end before this one starts; those bound in inputs are added'),
  inputs: z.record(z.string(), from).default({}).describe('Request property → where its value comes from'),
  parameters: jsonObject.default({}).describe('Request property → a value of the pipeline itself'),
  retry: retry.prefault({}),
  timeoutMs: z
    .int()
    .min(1)
    .max(7 * 86_400_000)
    .default(3_600_000)
    .describe('For one attempt'),
  cache: z
    .enum(['use', 'refresh', 'off'])
    .default('use')
    .describe('use: serve and record; refresh: record only; off: neither'),
});

/** The form of `pipeline_versions.spec`: plain JSON, no templates inside strings. */
export const pipelineSpecSchema = z.strictObject({
  version: z.literal(1).describe('Version of this form'),
  inputs: jsonObject
    .default({ type: 'object', properties: {} })
    .describe('JSON Schema of the inputs; each property is a file: a string with contentMediaType'),
  parameters: jsonObject
    .default({ type: 'object', properties: {} })
    .describe('JSON Schema of the parameters, with defaults'),
  tasks: z.array(step).min(1).max(100_000),
  outputs: z.record(z.string(), from).default({}).describe('Job output → the file it is'),
  docking: z
    .strictObject({ poses: from })
    .optional()
    .describe('Where the ranked poses of the primary docking step are'),
});

/** What an author writes: everything with a default may be left out. */
export type PipelineSpecInput = z.input<typeof pipelineSpecSchema>;
export type PipelineSpec = z.output<typeof pipelineSpecSchema>;
export type PipelineStep = PipelineSpec['tasks'][number];

/** A step of a published version: its range resolved, its task fixed. */
export interface PublishedStep extends PipelineStep {
  readonly taskDefinitionId: string;
  readonly identity: TaskIdentity;
}

/** `pipeline_versions.spec` once published; steps stand in an order in which each comes after those it depends on. */
export interface PublishedSpec extends Omit<PipelineSpec, 'tasks'> {
  readonly tasks: readonly PublishedStep[];
}

const identity = z.object({
  taskKey: z.string(),
  version: z.string(),
  interfaceDigest: z.string(),
  producer: z.string().nullable(),
  determinism: z.enum(['exact', 'seeded', 'stochastic', 'external']),
  ignoredPointers: z.array(z.string()),
}) satisfies z.ZodType<TaskIdentity>;
const publishedSpecSchema = pipelineSpecSchema.extend({
  tasks: z.array(step.extend({ taskDefinitionId: z.uuid(), identity })),
}) satisfies z.ZodType<PublishedSpec>;

/** Reads a stored version back. @throws {ValidationFailedError} for one that was written by other means. */
export function parsePublishedSpec(value: unknown): PublishedSpec {
  return parse(publishedSpecSchema, 'published pipeline spec', value);
}

/** @throws {ValidationFailedError} with a JSON Pointer to each place that is not as it must be. */
export function parsePipelineSpec(value: unknown): PipelineSpec {
  return parse(pipelineSpecSchema, 'pipeline spec', value);
}

function parse<Schema extends z.ZodType>(schema: Schema, subject: string, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part)}`).join(''),
    message,
  }));
  throw new ValidationFailedError({ subject, issues });
}
