import type { ValidationIssue } from '../errors.ts';
import { isJsonObject, type JsonObject, type JsonValue } from '../json.ts';
import type { ResolvedTask } from '../ports/task-runner.ts';
import { findSubschema, type Subschema } from '../schema/find-subschema.ts';
import type { JsonSchema } from '../schema/json-schema.ts';
import type { PipelineSpec, PipelineStep } from './pipeline-spec.ts';

export interface DataFlow {
  readonly spec: PipelineSpec;
  /** Step name → its task. */
  readonly tasks: ReadonlyMap<string, ResolvedTask>;
}

/**
 * Every place where a value cannot arrive as its consumer's request schema demands: nothing at the source, no such request property, another type
 * or kind of file, a required property without a source. What schemas alone cannot decide is left to the check of each request at run time.
 */
export function checkDataFlow({ spec, tasks }: DataFlow): readonly ValidationIssue[] {
  const issues: ValidationIssue[] = [];
  spec.tasks.forEach((step, index) => {
    const task = tasks.get(step.name);
    if (task) issues.push(...checkStep({ spec, tasks }, step, { pointer: `/tasks/${index}`, task }));
  });
  for (const [key, { from }] of Object.entries(spec.outputs)) {
    const pointer = `/outputs/${key}`;
    const source = findSource({ spec, tasks }, from);
    if (source === undefined) issues.push({ pointer, message: `nothing is at ${from}` });
    else if (isSubschema(source) && !isFile(source.schema)) {
      issues.push({
        pointer,
        message: `${from} is no file; only files can be outputs, a step's values are in its task result`,
      });
    }
  }
  if (spec.docking && findSource({ spec, tasks }, spec.docking.poses.from) === undefined) {
    issues.push({ pointer: '/docking/poses', message: `nothing is at ${spec.docking.poses.from}` });
  }
  return issues;
}

function checkStep(flow: DataFlow, step: PipelineStep, at: { pointer: string; task: ResolvedTask }): ValidationIssue[] {
  const { requestSchema } = at.task;
  const name = `${at.task.taskKey}@${at.task.version}`;
  const issues: ValidationIssue[] = [];
  const sourced = new Set<string>(Object.keys(step.parameters));
  for (const [property, { from }] of Object.entries(step.inputs)) {
    const pointer = `${at.pointer}/inputs/${property}`;
    const source = findSource(flow, from);
    const target = findSubschema(requestSchema, `/${property.replaceAll('~', '~0').replaceAll('/', '~1')}`);
    if (source === undefined) issues.push({ pointer, message: `nothing is at ${from}` });
    if (target === undefined) issues.push({ pointer, message: `${name} takes no ${property}` });
    if (isSubschema(source) && isSubschema(target)) {
      const misfit = findMisfit(source.schema, target.schema);
      if (misfit) issues.push({ pointer, message: `${from} does not fit ${property} of ${name}: ${misfit}` });
    }
    if (source === 'unknown' || !isSubschema(source) || source.always || hasDefault(source)) sourced.add(property);
  }
  for (const property of requiredOf(requestSchema)) {
    if (!sourced.has(property))
      issues.push({
        pointer: `${at.pointer}/inputs`,
        message: `${name} requires ${property}, which may be absent here; bind it to a value that is always there`,
      });
  }
  return issues;
}

function findSource({ spec, tasks }: DataFlow, from: string): Subschema | 'unknown' | undefined {
  const [, root, key = '', ...rest] = from.split('/');
  if (root === 'inputs') return findSubschema(spec.inputs, `/${[key, ...rest].join('/')}`);
  if (root === 'parameters') return findSubschema(spec.parameters, `/${[key, ...rest].join('/')}`);
  const task = tasks.get(key);
  if (!task || rest[0] !== 'output') return undefined;
  return findSubschema(task.responseSchema, rest.length > 1 ? `/${rest.slice(1).join('/')}` : '');
}

function findMisfit(source: JsonObject, target: JsonObject): string | undefined {
  const given = typesOf(source);
  const taken = typesOf(target);
  if (given && taken) {
    const refused = given.filter((type) => !taken.includes(type) && !(type === 'integer' && taken.includes('number')));
    if (refused.length > 0) return `${refused.join(' or ')} comes, ${taken.join(' or ')} is taken`;
  }
  const [file, wanted] = [source.contentMediaType, target.contentMediaType];
  if (typeof file === 'string' && typeof wanted === 'string' && file !== wanted)
    return `a file of ${file} comes, ${wanted} is taken`;
  return undefined;
}

function typesOf({ type }: JsonObject): readonly string[] | undefined {
  if (typeof type === 'string') return [type];
  return Array.isArray(type) ? type.filter((entry: JsonValue) => typeof entry === 'string') : undefined;
}

function requiredOf(schema: JsonSchema): readonly string[] {
  if (!isJsonObject(schema) || !Array.isArray(schema.required)) return [];
  const properties = isJsonObject(schema.properties) ? schema.properties : {};
  return schema.required.filter(
    (name): name is string =>
      typeof name === 'string' && !('default' in (isJsonObject(properties[name]) ? properties[name] : {})),
  );
}

const isFile = (schema: JsonObject): boolean => 'contentMediaType' in schema || schema.format === 'binary';
const isSubschema = (found: Subschema | 'unknown' | undefined): found is Subschema => typeof found === 'object';
const hasDefault = ({ schema }: Subschema): boolean => 'default' in schema;
