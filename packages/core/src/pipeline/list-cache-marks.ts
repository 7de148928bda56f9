import type { ValidationIssue } from '../errors.ts';
import { isJsonObject, type JsonValue } from '../json.ts';
import type { PipelineSpec } from './pipeline-spec.ts';

const MARKS = ['x-mad-cache', 'x-mad-normalize'];
// Keywords whose keys are names, and those that hold values.
const NAMED = new Set(['properties', 'patternProperties', 'dependentSchemas', '$defs', 'definitions']);
const DATA = new Set(['default', 'const', 'enum', 'examples']);

/** An issue for each mark in the pipeline's own schemas: only tasks say what of a request decides a result, a job asks its steps. */
export function listCacheMarks({ inputs, parameters }: Pick<PipelineSpec, 'inputs' | 'parameters'>): ValidationIssue[] {
  return [...marksIn(inputs, '/inputs'), ...marksIn(parameters, '/parameters')].map((pointer) => ({
    pointer,
    message:
      'a mark has no effect in a pipeline; leave it out here, and mark the property in the interface of the task that takes it',
  }));
}

function* marksIn(value: JsonValue | undefined, pointer: string): Generator<string> {
  if (Array.isArray(value)) for (const [index, item] of value.entries()) yield* marksIn(item, `${pointer}/${index}`);
  if (!isJsonObject(value)) return;
  for (const [key, item] of Object.entries(value)) {
    const at = `${pointer}/${escapeToken(key)}`;
    if (MARKS.includes(key)) yield at;
    else if (NAMED.has(key) && isJsonObject(item))
      for (const [name, schema] of Object.entries(item)) yield* marksIn(schema, `${at}/${escapeToken(name)}`);
    else if (!DATA.has(key)) yield* marksIn(item, at);
  }
}

const escapeToken = (key: string): string => key.replaceAll('~', '~0').replaceAll('/', '~1');
