import { z } from 'zod';
import { ValidationFailedError } from '../errors.ts';
import { isJsonObject, type JsonObject } from '../json.ts';
import type { TaskIdentity } from '../ports/task-runner.ts';
import { conditionJsonSchema, conditionSchema } from './condition.ts';
import { forEachSchema } from './for-each.ts';
import { itemPointer, pointer, readsItem } from './pointer.ts';

const from = z.strictObject({
  from: pointer.describe('JSON Pointer into inputs, parameters or the output of another step'),
});
const itemOrFrom = z.strictObject({
  from: itemPointer.describe(
    'JSON Pointer into inputs, parameters, the output of another step or, with forEach, the item',
  ),
});
const jsonObject = z.custom<JsonObject>(isJsonObject, 'expected a JSON object').meta({ type: 'object' });
const NAME = /^[a-z][a-z0-9_-]{0,62}$/;
const name = z.string().regex(NAME, 'expected a lower-case letter, then letters, digits, - or _, 63 at most');
/** Not `z.array(name)`: that makes an object for every entry, and a dense graph has a million of them. */
const names = z
  .custom<string[]>(Array.isArray, 'expected a list of step names')
  .superRefine((value, context) => {
    for (let index = 0; index < value.length; index++) {
      if (typeof value[index] === 'string') continue;
      context.addIssue({ code: 'custom', path: [index], message: 'expected the name of a step' });
      break;
    }
  })
  .meta({ type: 'array', items: { type: 'string', pattern: NAME.source } });

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

const stepForm = z.strictObject({
  name,
  task: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]*(@\S+)?$/i, 'expected taskKey or taskKey@range, such as dock@^1.0')
    .describe('taskKey@range; frozen to one version when published'),
  dependsOn: names
    .default([])
    .describe('Steps that end before this one starts; those that inputs, when and forEach read from are added'),
  inputs: z.record(z.string(), itemOrFrom).default({}).describe('Request property → where its value comes from'),
  parameters: jsonObject.default({}).describe('Request property → a value of the pipeline itself'),
  when: conditionSchema.optional().describe('The step is skipped, and its output absent, where this does not hold'),
  forEach: forEachSchema.optional().describe('Runs the step once for each item of a list'),
  onFailure: z
    .enum(['fail', 'skip', 'continue'])
    .default('fail')
    .describe(
      'fail: the job fails; skip: steps that depend on this one are skipped; continue: they run without its output',
    ),
  retry: retry.default({ attempts: 3, backoffMs: 1_000, jitter: 0.5 }),
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

const step = stepForm.refine(
  ({ inputs, forEach }) => forEach || !Object.values(inputs).some(({ from }) => readsItem(from)),
  {
    path: ['inputs'],
    error: 'expected no /item here: only a step with forEach has one',
  },
);

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
  timeoutMs: z
    .int()
    .min(1)
    .max(21 * 86_400_000)
    .optional()
    .describe('For the whole job, from its first start'),
  outputs: z.record(z.string(), from).default({}).describe('Job output → the file it is'),
  cache: z
    .strictObject({
      minConfidence: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe('Results scored lower, or not scored, are not served; a caller may ask for more or less'),
      acceptStochastic: z
        .boolean()
        .optional()
        .describe('Serves results that would not come out the same again; a caller may ask for either'),
      suspicious: z
        .enum(['recompute', 'serve'])
        .default('recompute')
        .describe(
          'What is done with a docking result without poses or with an absurd score when it is asked for again',
        ),
    })
    .default({ suspicious: 'recompute' })
    .describe('Which results of earlier jobs are good enough'),
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
  /** What a job of it needs of a machine, `gpu` where one of its tasks does. */
  readonly resourceClass: string;
}

const identity = z.object({
  taskKey: z.string(),
  version: z.string(),
  interfaceDigest: z.string(),
  producer: z.string().nullable(),
  determinism: z.enum(['exact', 'seeded', 'stochastic', 'external']),
  architecture: z.string().nullable().default(null),
  ignoredPointers: z.array(z.string()),
  ignoredAnswerPointers: z.array(z.string()).default([]),
  contentTypes: z.record(z.string(), z.string()).default({}),
}) satisfies z.ZodType<TaskIdentity>;
const publishedSpecSchema = pipelineSpecSchema.extend({
  tasks: z.array(stepForm.extend({ taskDefinitionId: z.uuid(), identity })),
  resourceClass: z.string().default('cpu'),
}) satisfies z.ZodType<PublishedSpec>;

// Compiled, a spec is read in half the time, a first one in a third.
const compiledSpecSchema = z.compile(pipelineSpecSchema);
const compiledPublishedSchema = z.compile(publishedSpecSchema);

/** The JSON Schema of what an author writes, for editors and other languages. What it accepts may still break a rule that only publishing knows. */
export function pipelineSpecJsonSchema(): JsonObject {
  const schema = z.toJSONSchema(pipelineSpecSchema, { io: 'input', unrepresentable: 'any' });
  return JSON.parse(JSON.stringify({ ...schema, $defs: conditionJsonSchema() }));
}

/** Reads a stored version back. @throws {ValidationFailedError} for one that was written by other means. */
export function parsePublishedSpec(value: unknown): PublishedSpec {
  return parse(compiledPublishedSchema, 'published pipeline spec', value);
}

/** @throws {ValidationFailedError} with a JSON Pointer to each place that is not as it must be. */
export function parsePipelineSpec(value: unknown): PipelineSpec {
  return parse(compiledSpecSchema, 'pipeline spec', value);
}

/** A list of thousands with one slip repeated is told of it so often, not thousands of times. */
const MAX_ISSUES = 1_000;

function parse<Schema extends z.ZodType>(schema: Schema, subject: string, value: unknown): z.output<Schema> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES).map(({ path, message }) => ({
    pointer: path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join(''),
    message,
  }));
  throw new ValidationFailedError({ subject, issues });
}
