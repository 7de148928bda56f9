import PQueue from 'p-queue';
import { isMadError, type MadError } from '../errors.ts';
import { type StepInstance, StepPlan } from '../executor/step-plan.ts';
import type { OrgId } from '../ids.ts';
import type { JsonObject } from '../json.ts';
import { type BindingScope, bindRequest } from '../pipeline/bindings.ts';
import { isMet, pointersOf } from '../pipeline/condition.ts';
import type { PublishedSpec, PublishedStep } from '../pipeline/pipeline-spec.ts';
import { createStepGraph, dependenciesOf, findSourceStep } from '../pipeline/step-graph.ts';
import type { Platform } from '../platform.ts';
import type { CacheIdentity } from '../ports/result-cache.ts';
import type { TaskIdentity } from '../ports/task-runner.ts';

/** What a job runs, and from what. */
export interface TracedJob {
  readonly orgId: OrgId;
  readonly spec: PublishedSpec;
  /** Input key → artifact reference. */
  readonly inputs: JsonObject;
  readonly parameters: JsonObject;
}

/** A step instance, `dock` or `dock[<key>]`, whose request is known. */
export interface PreparedStep {
  readonly kind: 'prepared';
  readonly name: string;
  readonly step: PublishedStep;
  /** As its service would be sent it, with the interface's defaults. */
  readonly request: JsonObject;
  readonly task: TaskIdentity;
  /** Undefined where the step is not cached, or the platform has no cache. */
  readonly identity: CacheIdentity | undefined;
}

/** A step of which not all is known that it reads. */
export interface WaitingStep {
  readonly kind: 'waits';
  readonly name: string;
  readonly step: PublishedStep;
  /** The steps whose output is missing. */
  readonly waitsFor: readonly string[];
  /** Of its request what is known without them. */
  readonly request: JsonObject;
}

/** A step that does not run: its condition does not hold, or what it depends on failed. */
export interface SkippedInstance {
  readonly kind: 'skipped';
  readonly name: string;
  readonly step: PublishedStep;
  readonly reason: string;
}

/** A step instance whose request cannot be made. */
export interface RefusedStep {
  readonly kind: 'refused';
  readonly name: string;
  readonly step: PublishedStep;
  readonly error: MadError;
}

export type TracedStep = PreparedStep | WaitingStep | SkippedInstance | RefusedStep;

export interface TraceSteps extends TracedJob {
  /** Step instance → its output, where it has one. @default none */
  readonly outputs?: ReadonlyMap<string, JsonObject> | undefined;
  /** Step instances that failed for good. @default none */
  readonly failed?: ReadonlySet<string> | undefined;
  /** The outputs of those of the instances that are known elsewhere; asked once for all instances that may start at the same time. @default none are */
  readonly findOutputs?: ((prepared: readonly PreparedStep[]) => Promise<ReadonlyMap<string, JsonObject>>) | undefined;
  /** Instances to prepare; of the others only the outputs are used. @default all */
  readonly wanted?: ReadonlySet<string> | undefined;
}

// The first request of a task reads its interface; an identity may read a file.
const PREPARED_AT_A_TIME = 16;

/**
 * Walks through a job as an executor does, without running anything: binds and prepares the request of each step instance, and tells what it is looked
 * up by. Where an output is known what follows is walked too; where it is not, what follows waits. In the order of the pipeline's steps.
 */
export async function traceSteps(
  platform: Pick<Platform, 'tasks' | 'cache'>,
  given: TraceSteps,
): Promise<readonly TracedStep[]> {
  const { spec, inputs, parameters, outputs, failed, wanted, findOutputs } = given;
  const plan = new StepPlan(createStepGraph(spec.tasks.map(withoutLimit)), { inputs, parameters });
  const traced: TracedStep[] = [];
  for (;;) {
    const instances = takeAll(plan);
    for (const { step, reason } of plan.takeSkipped()) traced.push({ kind: 'skipped', name: step.name, step, reason });
    if (instances.length === 0) break;
    const asked = instances.filter(({ name }) => wanted?.has(name) ?? true);
    const steps = await new PQueue({ concurrency: PREPARED_AT_A_TIME }).addAll(
      asked.map((instance) => () => prepareStep(platform, given, { instance, scope: plan.scope })),
    );
    traced.push(...steps);
    const refused = new Map(steps.flatMap((step) => (step.kind === 'refused' ? [[step.name, step.error]] : [])));
    const open = steps.flatMap((step) => (step.kind === 'prepared' && !outputs?.has(step.name) ? [step] : []));
    const found = await findOutputs?.(open);
    for (const instance of instances) {
      const output = outputs?.get(instance.name) ?? found?.get(instance.name);
      if (output) plan.complete(instance, output);
      else if (refused.has(instance.name) || failed?.has(instance.name))
        plan.fail(instance, refused.get(instance.name));
    }
  }
  traced.push(...listUntraced(given, plan, new Set(traced.map(({ step }) => step.name))));
  const order = new Map(spec.tasks.map(({ name }, index) => [name, index]));
  return traced.sort((a, b) => (order.get(a.step.name) ?? 0) - (order.get(b.step.name) ?? 0));
}

/** How many items run at a time is nothing to one who runs none. */
function withoutLimit(step: PublishedStep): PublishedStep {
  return step.forEach ? { ...step, forEach: { ...step.forEach, concurrency: undefined } } : step;
}

function takeAll(plan: StepPlan): readonly StepInstance[] {
  const taken: StepInstance[] = [];
  for (let instance = plan.next(); instance; instance = plan.next()) taken.push(instance);
  return taken;
}

async function prepareStep(
  { tasks, cache }: Pick<Platform, 'tasks' | 'cache'>,
  { orgId }: TracedJob,
  { instance, scope }: { readonly instance: StepInstance; readonly scope: BindingScope },
): Promise<PreparedStep | RefusedStep> {
  const { step, name, item } = instance;
  try {
    const { request, identity: task } = await tasks.prepare(orgId, {
      taskDefinitionId: step.taskDefinitionId,
      request: bindRequest(scope, step, item?.value),
    });
    const identity = step.cache === 'off' ? undefined : await cache?.identifyStep({ orgId, task, request });
    return { kind: 'prepared', name, step, request, task, identity };
  } catch (error) {
    if (!isMadError(error)) throw error;
    return { kind: 'refused', name, step, error };
  }
}

function* listUntraced(
  { spec }: TracedJob,
  { scope, failure }: StepPlan,
  traced: ReadonlySet<string>,
): Generator<WaitingStep | RefusedStep | SkippedInstance> {
  for (const step of spec.tasks) {
    const { name } = step;
    // A fan-out over an empty list is settled without an instance.
    if (traced.has(name) || Object.hasOwn(scope.steps, name)) continue;
    const waitsFor = dependenciesOf(step).filter((other) => !Object.hasOwn(scope.steps, other));
    const error = failure?.step === name ? failure.error : undefined;
    if (isMadError(error)) yield { kind: 'refused', name, step, error };
    else if (isSkippedFor(step, scope)) yield { kind: 'skipped', name, step, reason: 'its condition is not met' };
    else yield { kind: 'waits', name, step, waitsFor, request: bindRequest(scope, step) };
  }
}

/** True where all that the condition reads is known, and it does not hold: whatever else the step waits for. */
function isSkippedFor({ when }: PublishedStep, scope: BindingScope): boolean {
  if (!when) return false;
  const isKnown = pointersOf(when).every((pointer) => {
    const source = findSourceStep(pointer);
    return source === undefined || Object.hasOwn(scope.steps, source);
  });
  return isKnown && !isMet(when, scope);
}
