import { type Determinism, findByPointer, type JsonObject, ValidationFailedError } from '@mad/core';
import semver from 'semver';
import { z } from 'zod';
import { executionDeclarationSchema } from '../openapi/execution-declaration.ts';

/** What a document says of its task beside the interface: `info`, and its extension `x-mad`. */
export interface TaskDeclaration {
  readonly taskKey: string;
  readonly version: string;
  readonly title: string;
  readonly description: string;
  readonly category: string | null;
  readonly tags: readonly string[];
  readonly determinism: Determinism;
  readonly producer: string | null;
}

const TASK_KEY = /^[a-z0-9]+(?:[._-][a-z0-9]+)*$/;

const taskKeySchema = z
  .string('expected a task key here, or taskKey given to registerTask')
  .max(100)
  .regex(TASK_KEY, 'expected lower-case letters and digits, parted by - _ or .');

const extensionSchema = z.strictObject({
  taskKey: taskKeySchema.optional(),
  determinism: z.enum(['exact', 'seeded', 'stochastic', 'external']).default('external'),
  producer: z.string().min(1).max(500).nullable().default(null),
  category: z.string().max(100).nullable().default(null),
  /** Which operation is the task: its operationId, or `post /dock`. */
  operation: z.string().min(1).max(300).optional(),
  /** How accepted work is asked for, where that is not done as mad's own services do. */
  execution: executionDeclarationSchema.optional(),
});

const infoSchema = z.object({
  title: z.string(),
  description: z.string().default(''),
  version: z
    .string()
    .refine(
      (version) => version.length <= 256 && semver.valid(version) === version.split('+', 1)[0],
      'expected a semantic version such as 1.0.0, here or as version given to registerTask',
    ),
  'x-mad': extensionSchema.prefault({}),
});

/** Reads what the document declares; `overrides` win over it. @throws {ValidationFailedError} naming the place in the document. */
export function readTaskDeclaration(
  document: JsonObject,
  overrides: { readonly taskKey?: string | undefined; readonly version?: string | undefined } = {},
): TaskDeclaration {
  const info = findByPointer(document, '/info');
  const version = overrides.version ?? findByPointer(info, '/version') ?? null;
  const parsed = infoSchema.safeParse(typeof info === 'object' && info !== null ? { ...info, version } : info);
  if (!parsed.success) throw invalid(parsed.error);
  const {
    'x-mad': { operation: _, execution: __, ...extension },
    ...facts
  } = parsed.data;
  const key = taskKeySchema.safeParse(overrides.taskKey ?? extension.taskKey);
  if (!key.success) throw invalid(key.error, '/x-mad/taskKey');
  return { ...facts, ...extension, taskKey: key.data, tags: tagsOf(document) };
}

function tagsOf(document: JsonObject): readonly string[] {
  const { tags } = document;
  const names = (Array.isArray(tags) ? tags : []).map((tag) => findByPointer(tag, '/name'));
  return names.filter((name) => typeof name === 'string');
}

function invalid(error: z.ZodError, base = ''): ValidationFailedError {
  const issues = error.issues.map(({ path, message }) => ({
    pointer: `/info${base}${path.map((token) => `/${String(token)}`).join('')}`,
    message,
  }));
  return new ValidationFailedError({ subject: 'task document', issues });
}
