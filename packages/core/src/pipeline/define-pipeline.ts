import { ValidationFailedError, type ValidationIssue } from '../errors.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import { listUnknownKeys } from '../unknown-keys.ts';
import type { Condition } from './condition.ts';
import { type PipelineSpecInput, parsePipelineSpec } from './pipeline-spec.ts';
import { createReference, findReference, isReference, type Reference, type Source } from './reference.ts';
import type { SchemaValue } from './schema-value.ts';
import { createStepGraph } from './step-graph.ts';
import type { TaskType } from './task-type.ts';

type StepInput = PipelineSpecInput['tasks'][number];

/** What a pipeline is given. Write the schemas as literals: their types are read off them. */
export interface PipelineGivens<Inputs, Parameters> {
  /** JSON Schema of the files. @default none */
  readonly inputs?: Inputs & JsonObject;
  /** JSON Schema of the values, with defaults. @default none */
  readonly parameters?: Parameters & JsonObject;
  /** For the whole job, from its first start. */
  readonly timeoutMs?: number | undefined;
}

/** Each property of a request: a value of the pipeline's own, or a reference to where it comes from. What may be absent fits optional ones only. */
export type RequestOf<Request> = {
  readonly [Key in keyof Request]:
    | Request[Key]
    | Source<Record<never, never> extends Pick<Request, Key> ? Request[Key] | undefined : Request[Key]>;
};

type OnFailure = NonNullable<StepInput['onFailure']>;

interface StepOptions<When, Failing> extends Pick<StepInput, 'retry' | 'timeoutMs' | 'cache'> {
  /** The step runs where this holds; else it is skipped, and its output is absent. */
  readonly when?: When;
  /** What its failure means for the others. @default 'fail' */
  readonly onFailure?: Failing;
  /** Steps to wait for although nothing of them is read. */
  readonly dependsOn?: readonly Pick<DefinedStep<unknown>, 'name'>[] | undefined;
}

/** How a step runs, once. */
export interface SingleStepOptions<Request, When, Failing> extends StepOptions<When, Failing> {
  readonly request: RequestOf<Request>;
}

/** How a step runs for each item of a list. */
export interface ForEachStepOptions<Request, Item, When, Failing> extends StepOptions<When, Failing> {
  /** The list; the step runs once for each item. */
  readonly items: Source<readonly Item[]>;
  /** What names an item. @default its 0-based index */
  readonly key?: ((item: Reference<Item>) => Source<string | number>) | undefined;
  readonly concurrency?: number | undefined;
  /** skip: the item is left out of the output. @default 'fail' */
  readonly onItemFailure?: 'fail' | 'skip' | undefined;
  readonly request: (item: Reference<Item>) => RequestOf<Request>;
}

/** A step that later ones can read from. */
export interface DefinedStep<Output> {
  readonly name: string;
  readonly output: Reference<Output>;
}

/** The output of a step, which may be absent where the step may be skipped or may fail without consequence. */
type OutputOf<Response, When, Failing> = [When, Failing] extends [undefined, 'fail' | 'skip' | undefined]
  ? Response
  : Response | undefined;

/** Adds steps to a draft, in the order of its calls; the order in which they run follows from what they read. */
export interface DefineStep {
  /** Adds a step; the answer of its task can be read from `output`. */
  <
    Request extends object,
    Response extends object,
    When extends Condition | undefined = undefined,
    Failing extends OnFailure | undefined = undefined,
  >(
    name: string,
    task: TaskType<Request, Response>,
    options: SingleStepOptions<NoInfer<Request>, When, Failing>,
  ): DefinedStep<OutputOf<Response, When, Failing>>;
  /** Adds a step that runs once for each item of a list; `output` is the list of the answers, in the order of the items. */
  forEach<
    Request extends object,
    Response extends object,
    Item,
    When extends Condition | undefined = undefined,
    Failing extends OnFailure | undefined = undefined,
  >(
    name: string,
    task: TaskType<Request, Response>,
    options: ForEachStepOptions<NoInfer<Request>, Item, When, Failing>,
  ): DefinedStep<OutputOf<readonly Response[], When, Failing>>;
}

/** What a draft is made from: places of the givens, and the function that adds steps. */
export interface PipelineDraft<Inputs, Parameters> {
  readonly inputs: Reference<SchemaValue<Inputs>>;
  readonly parameters: Reference<SchemaValue<Parameters>>;
  readonly step: DefineStep;
}

/** What a job leaves. */
export interface PipelineResults {
  /** Output → the file it is. */
  readonly outputs?: Readonly<Record<string, Source<unknown>>> | undefined;
  readonly docking?: { readonly poses: Source<readonly object[] | undefined> } | undefined;
}

/**
 * A pipeline spec, written with types: the compiler refuses a request without a required property, and a reference to a value of another type.
 * The result is plain JSON, the same as written by hand; publish it as such.
 * @throws {ValidationFailedError} naming each place that does not have the form of a spec, options that do not exist, circles, and references inside the
 * value of a property
 */
export function definePipeline<const Inputs = EmptyObject, const Parameters = EmptyObject>(
  givens: PipelineGivens<Inputs, Parameters>,
  draft: (given: PipelineDraft<Inputs, Parameters>) => PipelineResults | undefined,
): PipelineSpecInput {
  refuseUnknown(givens, GIVENS);
  const { inputs, parameters, timeoutMs } = givens;
  const tasks: StepInput[] = [];
  const results =
    draft({
      inputs: createReference('/inputs'),
      parameters: createReference('/parameters'),
      step: createDefineStep(tasks),
    }) ?? {};
  refuseUnknown(results, RESULTS);
  const { outputs, docking } = results;
  const spec: PipelineSpecInput = {
    version: 1,
    ...(inputs && { inputs }),
    ...(parameters && { parameters }),
    tasks,
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(outputs && { outputs: Object.fromEntries(Object.entries(outputs).map(([key, { from }]) => [key, { from }])) }),
    ...(docking && { docking: { poses: { from: docking.poses.from } } }),
  };
  createStepGraph(parsePipelineSpec(spec).tasks);
  return spec;
}

const GIVENS = ['inputs', 'parameters', 'timeoutMs'];
const RESULTS = ['outputs', 'docking'];
const SINGLE = ['request', 'when', 'dependsOn', 'retry', 'timeoutMs', 'cache', 'onFailure'];
const FOR_EACH = [...SINGLE, 'items', 'key', 'concurrency', 'onItemFailure'];

/** Passed over, a misspelt option would let the pipeline run as nobody asked. */
function refuseUnknown(
  value: object,
  known: readonly string[],
  at?: { readonly name: string; readonly index: number },
): void {
  const issues = listUnknownKeys(value, known).map(({ pointer, message }) =>
    at ? { pointer: `/tasks/${at.index}${pointer}`, message: `step ${at.name}: ${message}` } : { pointer, message },
  );
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues });
}

interface EmptyObject {
  readonly type: 'object';
  readonly properties: Record<never, never>;
}

function createDefineStep(tasks: StepInput[]): DefineStep {
  const add = <Output>(step: StepInput): DefinedStep<Output> => {
    tasks.push(step);
    return { name: step.name, output: createReference(`/steps/${step.name}/output`) };
  };
  const split = (name: string, request: object) => splitRequest(request, { name, index: tasks.length });
  const step = <Output>(name: string, { task }: NamedTask, options: AnySingle): DefinedStep<Output> => {
    refuseUnknown(options, SINGLE, { name, index: tasks.length });
    return add({ name, task, ...split(name, options.request), ...writeOptions(options) });
  };
  const forEach = <Item, Output>(name: string, { task }: NamedTask, options: AnyForEach<Item>): DefinedStep<Output> => {
    refuseUnknown(options, FOR_EACH, { name, index: tasks.length });
    const item = createReference<Item>('/item');
    const { items, key, concurrency, onItemFailure, request } = options;
    return add({
      name,
      task,
      forEach: {
        items: { from: items.from },
        ...(key && { key: key(item).from.slice(item.from.length) }),
        ...(concurrency !== undefined && { concurrency }),
        ...(onItemFailure && { onItemFailure }),
      },
      ...split(name, request(item)),
      ...writeOptions(options),
    });
  };
  return Object.assign(step, { forEach });
}

type NamedTask = Pick<TaskType<object, object>, 'task'>;
type AnyOptions = StepOptions<Condition | undefined, OnFailure | undefined>;
type AnySingle = SingleStepOptions<object, Condition | undefined, OnFailure | undefined>;
type AnyForEach<Item> = ForEachStepOptions<object, Item, Condition | undefined, OnFailure | undefined>;

/** Bindings and own values stand apart in the spec: a property is the one or the other as a whole. */
function splitRequest(
  request: object,
  { name, index }: { readonly name: string; readonly index: number },
): Pick<StepInput, 'inputs' | 'parameters'> {
  const given = Object.entries(request).filter(([, value]) => value !== undefined);
  const inputs = given.flatMap(([key, value]) => (isReference(value) ? [[key, { from: value.from }] as const] : []));
  const parameters = given.filter((entry): entry is [string, JsonValue] => !isReference(entry[1]));
  const issues = parameters.flatMap(([key, value]): ValidationIssue[] => {
    const inner = findReference({ [key]: value });
    if (!inner) return [];
    const message = `step ${name}: expected ${key} to be a reference or a value without one, got a reference to ${inner.from} inside it; let a task put such a value together`;
    return [{ pointer: `/tasks/${index}/parameters${inner.pointer}`, message }];
  });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues });
  return {
    ...(inputs.length > 0 && { inputs: Object.fromEntries(inputs) }),
    ...(parameters.length > 0 && { parameters: Object.fromEntries(parameters) }),
  };
}

function writeOptions({ when, dependsOn, retry, timeoutMs, cache, onFailure }: AnyOptions): Partial<StepInput> {
  return {
    ...(when && { when }),
    ...(dependsOn && { dependsOn: dependsOn.map(({ name }) => name) }),
    ...(retry && { retry }),
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(cache && { cache }),
    ...(onFailure && { onFailure }),
  };
}
