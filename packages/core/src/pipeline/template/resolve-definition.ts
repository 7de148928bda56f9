import type { Caller } from '../../access/caller.ts';
import { ValidationFailedError } from '../../errors.ts';
import type { Platform } from '../../platform.ts';
import type { ResolvedTask } from '../../ports/task-runner.ts';
import { compileSchema } from '../../schema/compile-schema.ts';
import { checkDataFlow } from '../check-data-flow.ts';
import type { PipelineSpec, PipelineStep } from '../pipeline-spec.ts';
import { orderSteps } from '../step-graph.ts';

/** A definition that would publish: its steps in an order in which each comes after those it depends on, each with its task. */
export interface ResolvedDefinition {
  readonly steps: readonly { readonly step: PipelineStep; readonly task: ResolvedTask }[];
}

/**
 * Checks a definition as publishing would and finds the version of each task.
 * @throws {ValidationFailedError} @throws {NotFoundError} when the organization sees no version of a task that fits its range.
 */
export async function resolveDefinition(
  { tasks: runner }: Platform,
  { orgId }: Caller,
  spec: PipelineSpec,
): Promise<ResolvedDefinition> {
  compileSchema(spec.inputs, { subject: 'inputs of the pipeline spec' });
  compileSchema(spec.parameters, { subject: 'parameters of the pipeline spec' });
  const ranges = new Map<string, ResolvedTask>();
  const tasks = new Map<string, ResolvedTask>();
  const steps = [];
  for (const step of orderSteps(spec.tasks)) {
    const task = ranges.get(step.task) ?? (await runner.resolve(orgId, step.task));
    ranges.set(step.task, task);
    tasks.set(step.name, task);
    steps.push({ step, task });
  }
  const issues = checkDataFlow({ spec, tasks });
  if (issues.length > 0) throw new ValidationFailedError({ subject: 'pipeline spec', issues });
  return { steps };
}
