import { ValidationFailedError, type ValidationIssue } from '../../errors.ts';
import { isJsonObject, type JsonObject } from '../../json.ts';
import { compileSchema } from '../../schema/compile-schema.ts';
import type { PipelineSpec } from '../pipeline-spec.ts';

interface Given {
  readonly parameters: JsonObject;
  readonly subject: string;
  /** The property of the request that holds them. */
  readonly pointer: string;
}

/**
 * The spec with these values as the defaults of its parameters. Each must be one of the schema's own `properties` and fit it; what is still missing
 * is left to whoever submits a job.
 * @throws {ValidationFailedError} naming each value that does not fit.
 */
export function withParameters(spec: PipelineSpec, { parameters, subject, pointer }: Given): PipelineSpec {
  const names = Object.keys(parameters).filter((name) => parameters[name] !== undefined);
  if (names.length === 0) return spec;
  const { properties } = spec.parameters;
  const declared = isJsonObject(properties) ? properties : {};
  const issues = [...findUnknown(names, declared), ...findMisfits(spec, parameters)];
  if (issues.length > 0) {
    const placed = issues.map((issue) => ({ ...issue, pointer: `${pointer}${issue.pointer}` }));
    throw new ValidationFailedError({ subject, issues: placed });
  }
  const withDefaults = names.map((name) => {
    const schema = declared[name];
    return [name, { ...(isJsonObject(schema) ? schema : {}), default: parameters[name] }] as const;
  });
  return {
    ...spec,
    parameters: { ...spec.parameters, properties: { ...declared, ...Object.fromEntries(withDefaults) } },
  };
}

function findUnknown(names: readonly string[], declared: JsonObject): ValidationIssue[] {
  const known = Object.keys(declared).join(', ') || 'none';
  return names
    .filter((name) => !Object.hasOwn(declared, name))
    .map((name) => ({ pointer: at(name), message: `is no parameter of this template; its parameters are ${known}` }));
}

/** What is wrong inside a given value; what is wrong with the whole, such as a parameter that is missing, may yet be given. */
function findMisfits(spec: PipelineSpec, parameters: JsonObject): ValidationIssue[] {
  const schema = compileSchema(spec.parameters, { subject: 'parameters of the pipeline spec' });
  const given = Object.keys(parameters).map(at);
  return schema
    .check(schema.applyDefaults(parameters))
    .filter(({ pointer }) => given.some((start) => pointer === start || pointer.startsWith(`${start}/`)));
}

const at = (name: string): string => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
